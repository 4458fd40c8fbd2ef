sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "raise-risk" {
  emit "risk-level-change" {
    to = ["out"]
    body = {
      principal     = "USER"
      current_level = "CRITICAL" # ERROR: body does not fit risk-level-change
    }
  }
}
