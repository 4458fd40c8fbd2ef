sink "http" "directory" {
  url    = "https://directory.example.com/api"
  method = "post" # ERROR: unknown method
}
