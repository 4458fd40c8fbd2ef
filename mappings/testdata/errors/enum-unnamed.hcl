mapping "enum-unnamed" {
  title  = "t"
  vendor = "v"
  enum { # ERROR: unnamed enum
  }
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
