mapping "text-sum" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = "A-" + raw.id, severity = "low" } # ERROR: text in a sum
  }
}
