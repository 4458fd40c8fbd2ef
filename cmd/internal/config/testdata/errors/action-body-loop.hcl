action "revoke-session" {
  emit "session-revoked" {
    body = { for k in ["a"] : k => now } # ERROR: loops are not available
  }
}
