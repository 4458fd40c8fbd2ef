sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chat" {
  on    = ["dead-letter"]
  every = "0s" # ERROR: every out of range
}
