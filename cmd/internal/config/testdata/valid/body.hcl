sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "restrict-access" {
  emit "token-claims-change" {
    to = ["out"]
    body = {
      claims          = coalesce(action.with.claims, { role = "none" })
      event_timestamp = event.time
      "note"          = "%{ if event.txn == "" }alone%{ else }part of ${event.txn}%{ endif }"
    }
  }
}
