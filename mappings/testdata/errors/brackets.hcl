mapping "brackets" { # ERROR: Unclosed configuration block
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "low"
  }
}
