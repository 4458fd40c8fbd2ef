mapping "syntax" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw. } # ERROR: Invalid attribute name
  }
}
