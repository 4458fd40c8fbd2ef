sink "http" "directory" {
  url     = "https://directory.example.com/api"
  headers = { "Authorization" = "Bearer x" } # ERROR: unusable header
}
