issuer "https://edr.example.com" {
  jwks     = "https://edr.example.com/jwks"
  audience = ["https://siem.example.com"]
  rules    = "okta"
}
source "okta" "providers" {
  issuers = ["https://edr.example.com", "https://erd.example.com"] # ERROR: unknown issuer "https://erd.example.com"
}
