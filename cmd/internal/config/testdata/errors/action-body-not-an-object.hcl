sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "revoke-session" {
  emit "session-revoked" {
    to   = ["out"]
    body = "gone" # ERROR: unsuitable body
  }
}
