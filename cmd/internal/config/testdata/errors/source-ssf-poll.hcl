issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "idp" {
  issuer      = "https://idp.example.com"
  transmitter = "https://idp.example.com"
  poll {
    max_events = 100000 # ERROR: out of range
    wait       = "1h" # ERROR: out of range
  }
}
