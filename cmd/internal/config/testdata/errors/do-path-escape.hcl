action "disable-account" {
  do "idp" {
    path = "/100%" # ERROR: invalid path
  }
}

sink "file" "idp" { path = "calls.jsonl" }
