sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chat" {
  on   = ["dead-letter"]
  body = { text = env("PUSH_SECRET") } # ERROR: unknown function "env"
}
