action "disable-account" {
  do "idp" {
    path = "${subject.uri}" # ERROR: path must be text in quotes
  }
}

sink "file" "idp" { path = "calls.jsonl" }
