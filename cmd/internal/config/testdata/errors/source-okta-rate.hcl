issuer "https://edr.example.com" {
  jwks     = "https://edr.example.com/jwks"
  audience = ["https://siem.example.com"]
  rules    = "okta"
}
source "okta" "providers" {
  issuers = ["https://edr.example.com"]
  burst   = 5 # ERROR: burst without a rate
}
