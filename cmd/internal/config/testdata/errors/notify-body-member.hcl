sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chat" {
  on   = ["dead-letter"]
  body = { text = notice.txt } # ERROR: notice has no member "txt"
}
