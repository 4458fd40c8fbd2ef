sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "tell-device" {
  emit "device-compliance-change" { # ERROR: body does not fit device-compliance-change
    to = ["out"]
  }
}
