action "revoke-session" {
  emit "session-revoked" {
    body = { note = env("PUSH_SECRET") } # ERROR: unknown function "env"
  }
}
