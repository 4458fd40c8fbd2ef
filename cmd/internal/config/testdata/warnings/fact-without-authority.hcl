sink "ssf" "app" {
  issuer   = "https://signals.example.com"
  audience = ["https://app.example.com"]
  push {
    endpoint      = "https://app.example.com/events"
    authorization = env("PUSH_SECRET")
  }
}
action "disable-account" {
  emit "account-disabled" {
    to = ["app"] # WARNING: account-disabled is stated to "app", but nothing here brings it about
  }
}
action "raise-risk" {
  emit "risk-level-change" {
    to = ["app"]
  }
}
