action "disable-account" {
  do "idp" {
    path = "/users/%2e%2E/${subject.sub}" # ERROR: invalid path
  }
}

sink "file" "idp" { path = "calls.jsonl" }
