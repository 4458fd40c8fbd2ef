action "disable-account" {
  do "idp" {
    path = upper("/users") # ERROR: path must be text in quotes
  }
}

sink "file" "idp" { path = "calls.jsonl" }
