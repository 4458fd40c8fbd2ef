sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chat" {
  on = ["dead-letter", "dead-letter"] # ERROR: kind of notice "dead-letter" given twice
}
