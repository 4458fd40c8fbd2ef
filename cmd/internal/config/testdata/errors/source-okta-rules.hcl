issuer "https://edr.example.com" {
  jwks     = "https://edr.example.com/jwks"
  audience = ["https://siem.example.com"]
  rules    = "okta"
}
issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "okta" "providers" {
  issuers = [
    "https://edr.example.com",
    "https://idp.example.com", # ERROR: issuer "https://idp.example.com" is held to rule set "ssf"
  ]
}
