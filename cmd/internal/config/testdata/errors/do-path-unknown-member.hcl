action "disable-account" {
  do "idp" {
    path = "/users/${subject.emial}" # ERROR: subject has no member "emial"
  }
}

sink "file" "idp" { path = "calls.jsonl" }
