issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
  remit {
    subjects = ["*@example.com", "everybody"] # ERROR: invalid subject pattern "everybody"
  }
}
