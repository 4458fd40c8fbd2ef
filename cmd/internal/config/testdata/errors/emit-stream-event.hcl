action "revoke-session" {
  emit "verification" { # ERROR: event "verification" cannot be sent by an action
  }
}
