mapping "body-value" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "severe" } # ERROR: severity cannot be "severe"
  }
}
