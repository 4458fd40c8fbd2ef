mapping "regex-invalid" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = regex("(", raw.id), severity = "low" } # ERROR: invalid pattern
  }
}
