mapping "block-unknown" {
  title  = "t"
  vendor = "v"
  rule "x" {} # ERROR: unknown block "rule"
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
