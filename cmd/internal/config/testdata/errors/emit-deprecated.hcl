sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "revoke-session" {
  emit "sessions-revoked" { # ERROR: event "sessions-revoked" is deprecated
    to = ["out"]
  }
}
