issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  algorithms = ["RS256", "HS256"] # ERROR: algorithm "HS256" is not supported
  audience = ["https://siem.example.com"]
}
