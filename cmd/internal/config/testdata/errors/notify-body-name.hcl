sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chat" {
  on   = ["dead-letter"]
  body = { text = action.id } # ERROR: unknown name "action"
}
