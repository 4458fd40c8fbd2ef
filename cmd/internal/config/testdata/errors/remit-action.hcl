issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
  remit {
    actions = ["revoke-session", "revoke-sesion"] # ERROR: unknown action "revoke-sesion"
  }
}
