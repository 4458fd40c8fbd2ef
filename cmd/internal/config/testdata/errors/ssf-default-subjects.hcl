sink "ssf" "signals" {
  issuer           = "https://signals.example.com"
  default_subjects = "all" # ERROR: unknown default "all"
  receiver "app" {
    audience = ["https://app.example.com"]
    token    = env("PUSH_SECRET") # ERROR: unusable token
  }
}
