sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chta" { # ERROR: unknown sink "chta"
  on = ["dead-letter"]
}
