sink "okta" "org" {
  org    = "https://example.okta.com"
  issuer = "https://signals.example.com"
}
sink "file" "out" { path = "out.jsonl" }
action "tell-okta" {
  emit "user-risk-change" { # the subject is written inside by Okta's sink and by no other
    to = ["org", "out"]
    body = { # ERROR: body does not fit user-risk-change
      current_level   = "high"
      previous_level  = "low"
      event_timestamp = now
      reason_admin    = { en = action.reason }
    }
  }
}
