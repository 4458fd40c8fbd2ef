sink "ssf" "signals" {
  issuer = "https://signals.example.com"
  receiver "app" { # ERROR: receiver "app" can have no stream
    audience = ["https://app.example.com"]
  }
}
