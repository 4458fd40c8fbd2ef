issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "idp" {
  issuer      = "https://idp.example.com"
  transmitter = "https://idp.example.com"
  push {
    authorization = env("PUSH_SECRET")
    endpoint_url  = "https://siem.example.com/ssf/idp/push"
  }
  poll {} # ERROR: both push and poll
}
