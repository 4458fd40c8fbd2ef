action "disable-account" {
  do "idp" {
    path = "/users/${subject.user}" # ERROR: subject.user cannot be used whole
  }
}

sink "file" "idp" { path = "calls.jsonl" }
