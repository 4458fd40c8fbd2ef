issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "idp" {
  issuer      = "https://idp.example.com"
  transmitter = "https://idp.example.com"
  oauth {
    token_url = "http://idp.example.com/token" # ERROR: unusable token_url
    client_id = "signalbox"
    method    = "basic" # ERROR: unknown method "basic"
  }
}
