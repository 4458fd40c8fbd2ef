action "revoke-session" {
  emit "session-revoked" {
    body = { reason_admin = { en = "${acton.reason}" } } # ERROR: unknown name "acton"
  }
}
