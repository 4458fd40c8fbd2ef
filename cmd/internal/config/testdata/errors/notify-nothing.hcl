sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chat" {
  on = [] # ERROR: nothing to tell
}
