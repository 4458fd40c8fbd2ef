issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "idp" {
  issuer = "https://idp.example.com"
  push {
    authorization = hunter2hunter2 # ERROR: secret written in the configuration
  }
}
