issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
  remit {
    events = ["cape:*"] # ERROR: "cape:*" matches no event
  }
}
