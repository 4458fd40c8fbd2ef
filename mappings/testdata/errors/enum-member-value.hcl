mapping "enum-member-value" {
  title  = "t"
  vendor = "v"
  enum "severity" {
    crit = ["5"]
  }
  event "alert" {
    body = { alert_id = raw.id, severity = enum("severity", raw.sev) } # ERROR: severity cannot be "crit"
  }
}
