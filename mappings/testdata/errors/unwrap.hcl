mapping "unwrap" {
  title  = "t"
  vendor = "v"
  unwrap = "records" # ERROR: unsuitable unwrap
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
