action "disable-account" {
  do "idp" {
    path = "/users/${env("PUSH_SECRET")}" # ERROR: unknown function "env"
  }
}

sink "file" "idp" { path = "calls.jsonl" }
