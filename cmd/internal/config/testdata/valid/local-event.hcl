sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "notify" {
  emit "alert" {
    to   = ["out"]
    body = { alert_id = event.id, severity = coalesce(action.with.severity, "high"), reason = action.reason }
  }
}
