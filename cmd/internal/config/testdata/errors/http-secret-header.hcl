sink "http" "directory" {
  url            = "https://directory.example.com/api"
  secret_headers = { "X-Api-Key" = "hunter2-hunter2" } # ERROR: secret written in the configuration
}
