issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "idp" {
  issuer = "https://ipd.example.com" # ERROR: unknown issuer "https://ipd.example.com"
  push {
    authorization = env("PUSH_SECRET")
  }
}
