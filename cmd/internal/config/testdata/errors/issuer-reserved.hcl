issuer "urn:signalbox:drill" { # ERROR: reserved issuer
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
