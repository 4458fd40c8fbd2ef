mapping "attribute-unknown" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
    subjct = email(raw.x) # ERROR: unknown attribute "subjct"
  }
}
