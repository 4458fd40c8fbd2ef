issuer "https://idp.example.com" { # ERROR: missing attribute "audience"
  jwks = "https://idp.example.com/jwks"
}
