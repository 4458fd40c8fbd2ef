issuer "https://idp.example.com" { # ERROR: issuer without keys
  audience = ["https://siem.example.com"]
}
