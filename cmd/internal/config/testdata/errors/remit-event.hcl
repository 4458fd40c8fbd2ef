issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
  remit {
    events = ["session-revoke"] # ERROR: unknown event "session-revoke"
  }
}
