sink "ssf" "app" {
  issuer   = "https://signals.example.com"
  audience = ["https://app.example.com"]
  push {
    endpoint = env("NOT_A_URL") # ERROR: unusable endpoint
  }
}
