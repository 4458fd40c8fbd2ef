action "disable-account" {
  do "ldap" { # ERROR: do is not available in this version
    method = "POST"
  }
}
