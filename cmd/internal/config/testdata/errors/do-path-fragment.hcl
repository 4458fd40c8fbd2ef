action "disable-account" {
  do "idp" {
    path = "/users#${subject.sub}" # ERROR: invalid path
  }
}

sink "file" "idp" { path = "calls.jsonl" }
