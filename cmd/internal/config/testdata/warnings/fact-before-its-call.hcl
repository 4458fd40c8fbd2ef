# A call brings about what is stated behind it, not before.
action "disable-account" {
  emit "account-disabled" { to = ["app"] } # WARNING: account-disabled is stated to "app", but nothing here brings it about
  do "idp" { path = "/users/${subject.sub}/suspend" }
  emit "account-disabled" { to = ["mail"] }
}

sink "file" "idp" { path = "calls.jsonl" }
sink "file" "app" { path = "app.jsonl" }
sink "file" "mail" { path = "mail.jsonl" }
