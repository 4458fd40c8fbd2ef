mapping "skip-no-condition" {
  title  = "t"
  vendor = "v"
  skip "x" {} # ERROR: skip without a condition
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
