action "revoke-session" {
  emit "session-revoked" {
    body = { reason_admin = { en = action.reson } } # ERROR: action has no member "reson"
  }
}
