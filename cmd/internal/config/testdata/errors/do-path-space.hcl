action "disable-account" {
  do "idp" {
    path = "/all users" # ERROR: invalid path
  }
}

sink "file" "idp" { path = "calls.jsonl" }
