issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  jwks_file = "idp.json" # ERROR: two key sets
  audience = ["https://siem.example.com"]
}
