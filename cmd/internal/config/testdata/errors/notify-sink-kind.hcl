sink "ssf" "downstream" {
  issuer   = "https://signals.example.com"
  audience = ["https://app.example.com"]
  push { endpoint = "https://app.example.com/events" }
}
notify "downstream" { # ERROR: sink "ssf" "downstream" cannot be called
  on = ["dead-letter"]
}
