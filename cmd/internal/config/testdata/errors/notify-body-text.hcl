sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chat" {
  on   = ["dead-letter"]
  body = notice.text # ERROR: unsuitable body
}
