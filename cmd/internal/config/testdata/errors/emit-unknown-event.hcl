action "revoke-session" {
  emit "session-revokd" { # ERROR: unknown event "session-revokd"
  }
}
