issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  rules    = "legcy" # ERROR: unknown rule set "legcy"
  audience = ["https://siem.example.com"]
}
