action "disable-account" {
  do "idp" { path = "/users/${subject.sub}/suspend" }
}

action "enable-account" { # WARNING: action "disable-account" calls "idp", and "enable-account", which takes it back, does not
  emit "account-enabled" { to = ["app"] }
}

sink "file" "idp" { path = "calls.jsonl" }
sink "file" "app" {
  path      = "app.jsonl"
  authority = true
}
