sink "ssf" "signals" {
  issuer             = "https://signals.example.com"
  audience           = ["https://app.example.com"]
  inactivity_timeout = "720h" # ERROR: no receivers
  push {
    endpoint = "https://app.example.com/events"
  }
}
