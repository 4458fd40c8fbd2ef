sink "okta" "org" {
  org    = "https://example-admin.okta.com" # ERROR: address of the admin console
  issuer = "https://signals.example.com"
}
