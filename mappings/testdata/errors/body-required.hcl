mapping "body-required" {
  title  = "t"
  vendor = "v"
  event "alert" { # ERROR: alert lacks severity
    body = { alert_id = raw.id }
  }
}
