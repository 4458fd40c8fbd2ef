issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "idp" {
  issuer = "https://idp.example.com"
  push { authorization = env("PUSH_SECRET") }
  poll {} # ERROR: poll without a transmitter
}
