action "disable-account" {
  do "app" {} # ERROR: sink "ssf" "app" cannot be called
}

sink "ssf" "app" {
  issuer   = "https://signals.example.com"
  audience = ["https://app.example.com"]
  push {
    endpoint      = "https://app.example.com/events"
    authorization = env("PUSH_SECRET")
  }
}
