issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
  remit {
    events = ["concept:fishing"] # ERROR: unknown concept "fishing"
  }
}
