mapping "enum-member" {
  title  = "t"
  vendor = "v"
  enum "s" {
    low = "1" # ERROR: unsuitable enum member
  }
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
