mapping "enum-value-twice" {
  title  = "t"
  vendor = "v"
  enum "s" {
    low  = ["1"]
    high = ["1"] # ERROR: value "1" given twice
  }
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
