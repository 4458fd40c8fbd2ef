issuer "https://idp.example.com" {
  jwks_file = "idp.json"
  ca_file   = "ca.pem" # ERROR: nothing is fetched
  audience = ["https://siem.example.com"]
}
