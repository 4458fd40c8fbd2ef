mapping "body-member-unknown" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "low", sevrity = "x" } # ERROR: alert has no member "sevrity"
  }
}
