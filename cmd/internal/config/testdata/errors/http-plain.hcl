sink "http" "directory" {
  url = "http://directory.example.com/api" # ERROR: unusable url
}
