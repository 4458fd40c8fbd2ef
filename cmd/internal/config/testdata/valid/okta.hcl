issuer "https://edr.example.com" {
  jwks     = "https://edr.example.com/jwks"
  audience = ["https://siem.example.com"]
  rules    = "okta"
}
source "okta" "providers" { issuers = ["https://edr.example.com"] }
sink "okta" "org" {
  org       = "https://example.okta.com"
  issuer    = "https://signals.example.com"
  authority = true
}
action "revoke-session" {
  emit "session-revoked" { to = ["org"] }
}
action "raise-risk" {
  emit "risk-level-change" { to = ["org"] }
}
action "tell-okta" {
  emit "user-risk-change" {
    to = ["org"]
    body = {
      current_level   = action.with.level
      previous_level  = "none"
      event_timestamp = now
      reason_admin    = { en = action.reason }
    }
  }
  emit "ip-change" {
    to = ["org"]
    body = {
      current_ip_address  = action.with.now
      previous_ip_address = action.with.before
      event_timestamp     = now
      reason_admin        = { en = action.reason }
    }
  }
}
