sink "okta" "org" {
  org       = "https://example.okta.com"
  issuer    = "https://signals.example.com"
  authority = true
}
sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "revoke-session" {
  emit "session-revoked" { to = ["org"] }
}
action "disable-account" {
  emit "account-disabled" { to = ["out", "org"] } # ERROR: sink "org" does not take account-disabled
}
