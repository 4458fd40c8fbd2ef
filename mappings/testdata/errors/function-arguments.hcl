mapping "function-arguments" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "low", title = replace(raw.x, "a") } # ERROR: wrong number of arguments for replace
  }
}
