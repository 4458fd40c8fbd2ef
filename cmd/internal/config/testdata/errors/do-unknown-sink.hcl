action "disable-account" {
  do "ipd" { # ERROR: unknown sink "ipd"
    method = "POST"
  }
}

sink "file" "idp" { path = "calls.jsonl" }
