issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  rules    = "okta" # ERROR: rule set "okta" is not available
  audience = ["https://siem.example.com"]
}
