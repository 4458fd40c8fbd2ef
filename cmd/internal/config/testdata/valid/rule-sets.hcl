issuer "https://strict.example.com" {
  jwks     = "https://strict.example.com/jwks"
  audience = ["https://siem.example.com"]
}
issuer "https://interop.example.com" {
  jwks     = "https://interop.example.com/jwks"
  rules    = "interop"
  audience = ["https://siem.example.com"]
}
issuer "https://directory.example.com" {
  jwks     = "https://directory.example.com/jwks"
  rules    = "scim"
  audience = ["https://siem.example.com"]
}
issuer "https://okta.example.com" {
  jwks     = "https://okta.example.com/jwks"
  rules    = "okta"
  audience = ["https://siem.example.com"]
}
issuer "https://old.example.com" {
  jwks     = "https://old.example.com/jwks"
  rules    = "legacy"
  audience = ["https://siem.example.com"]
}
