mapping "second" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
mapping "more" {} # ERROR: second mapping in a file
