issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "idp" { # ERROR: no way to receive
  issuer = "https://idp.example.com"
}
