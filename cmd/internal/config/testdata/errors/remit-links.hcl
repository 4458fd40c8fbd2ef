issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
  remit {
    links = "own-subject" # ERROR: unknown value "own-subject"
  }
}
