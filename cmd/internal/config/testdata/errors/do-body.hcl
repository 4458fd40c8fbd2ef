action "disable-account" {
  do "idp" {
    body = "suspend" # ERROR: unsuitable body
  }
}

sink "file" "idp" { path = "calls.jsonl" }
