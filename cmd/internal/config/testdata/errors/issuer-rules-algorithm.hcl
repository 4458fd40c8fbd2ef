issuer "https://idp.example.com" {
  jwks       = "https://idp.example.com/jwks"
  rules      = "interop"
  algorithms = ["ES256"] # ERROR: no algorithm that rule set "interop" accepts
  audience   = ["https://siem.example.com"]
}
