action "disable-account" {
  do "idp" {
    method = "PSOT" # ERROR: unknown method "PSOT"
  }
}

sink "file" "idp" { path = "calls.jsonl" }
