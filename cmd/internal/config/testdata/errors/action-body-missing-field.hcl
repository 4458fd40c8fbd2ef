sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "tell-device" {
  emit "device-compliance-change" {
    to   = ["out"]
    body = { current_status = "compliant" } # ERROR: body does not fit device-compliance-change
  }
}
