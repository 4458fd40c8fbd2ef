issuer "https://idp.example.com" {
  jwks_file     = "idp.json"
  allow_private = false # ERROR: nothing is fetched
  audience      = ["https://siem.example.com"]
}
