issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = [] # ERROR: no audience
}
