sink "http" "chat" {
  url = "https://chat.example.com/hook"
}
notify "chat" {
  on = ["dead-letter"]
}
notify "chat" { # ERROR: notify "chat" given twice
  on = ["brake-tripped"]
}
