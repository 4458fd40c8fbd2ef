mapping "regex-computed" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = regex(raw.p, raw.id), severity = "low" } # ERROR: computed pattern
  }
}
