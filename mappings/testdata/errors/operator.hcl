mapping "operator" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id % 2, severity = "low" } # ERROR: unsupported operator
  }
}
