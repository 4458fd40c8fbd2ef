issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "idp" {
  issuer      = "https://idp.example.com"
  transmitter = "https://idp.example.com/" # ERROR: transmitter is not the issuer
}
