issuer "https://idp.example.com" {
  jwks     = "http://idp.example.com/jwks" # ERROR: invalid address of a key set
  audience = ["https://siem.example.com"]
}
