issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
issuer "https://idp.example.com" { # ERROR: issuer given twice
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
