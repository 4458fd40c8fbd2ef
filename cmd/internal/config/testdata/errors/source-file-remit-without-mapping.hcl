source "file" "in" { # ERROR: remit without a mapping
  path = "in/*.jwt"
  remit {
    events = ["alert"]
  }
}
