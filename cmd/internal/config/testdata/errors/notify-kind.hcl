sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chat" {
  on = ["dead-letter", "approval-waitin"] # ERROR: unknown kind of notice "approval-waitin"
}
