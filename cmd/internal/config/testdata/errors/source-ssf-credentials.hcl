issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "idp" {
  issuer        = "https://idp.example.com"
  transmitter   = "https://idp.example.com"
  authorization = env("PUSH_SECRET") # ERROR: both authorization and oauth
  oauth {
    token_url     = "https://idp.example.com/token"
    client_id     = "signalbox"
    client_secret = env("PUSH_SECRET")
  }
}
