action "disable-account" {
  do "idp" {
    url = "https://elsewhere.example.com" # ERROR: unknown attribute "url"
  }
}

sink "file" "idp" { path = "calls.jsonl" }
