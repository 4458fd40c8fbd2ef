sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chat" {
  on       = ["dead-letter"]
  severity = "grave" # ERROR: unknown severity "grave"
}
