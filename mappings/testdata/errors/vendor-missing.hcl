mapping "vendor-missing" { # ERROR: missing vendor
  title = "t"
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
