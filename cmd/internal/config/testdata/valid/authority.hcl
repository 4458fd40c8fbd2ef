sink "ssf" "app" {
  authority = true
  issuer   = "https://signals.example.com"
  audience = ["https://app.example.com"]
  push {
    endpoint      = "https://app.example.com/events"
    authorization = env("PUSH_SECRET")
  }
}
action "disable-account" {
  emit "account-disabled" {
    to = ["app"]
  }
}
action "raise-risk" {
  emit "risk-level-change" {
    to = ["app"]
  }
}
