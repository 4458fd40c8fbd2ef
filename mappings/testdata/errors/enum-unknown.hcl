mapping "enum-unknown" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = enum("level", raw.s) } # ERROR: unknown enum "level"
  }
}
