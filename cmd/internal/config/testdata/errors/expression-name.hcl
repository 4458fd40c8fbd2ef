issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  rules    = ssf # ERROR: unknown name "ssf"
  audience = ["https://siem.example.com"]
}
