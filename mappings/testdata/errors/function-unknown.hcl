mapping "function-unknown" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "low", title = uper(raw.x) } # ERROR: unknown function "uper"
  }
}
