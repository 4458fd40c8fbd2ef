sink "http" "chat" {
  url = env("NOT_A_URL") # ERROR: unusable url
}
