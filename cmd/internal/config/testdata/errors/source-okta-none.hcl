source "okta" "providers" {
  issuers = [] # ERROR: no issuer
}
