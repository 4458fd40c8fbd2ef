sink "http" "directory" {
  url     = "https://directory.example.com/api"
  already = [200] # ERROR: status 200 cannot stand here
}
