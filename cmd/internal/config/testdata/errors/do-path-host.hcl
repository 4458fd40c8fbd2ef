action "disable-account" {
  do "idp" {
    path = "//evil.example.com/x" # ERROR: invalid path
  }
}

sink "file" "idp" { path = "calls.jsonl" }
