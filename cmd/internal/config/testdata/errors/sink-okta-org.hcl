sink "okta" "org" {
  org    = "https://example.okta.com/security/api/v1/security-events" # ERROR: more than the URL of an org
  issuer = "https://signals.example.com"
}
