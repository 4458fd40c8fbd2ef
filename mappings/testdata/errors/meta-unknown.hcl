mapping "meta-unknown" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = meta.topic, severity = "low" } # ERROR: unknown name "meta.topic"
  }
}
