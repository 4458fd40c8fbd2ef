mapping "name-unknown" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = record.id, severity = "low" } # ERROR: unknown name "record"
  }
}
