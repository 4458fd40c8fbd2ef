action "disable-account" {
  do "idp" {
    path = "/users/${subject.user.emial}" # ERROR: subject.user has no member "emial"
  }
}

sink "file" "idp" { path = "calls.jsonl" }
