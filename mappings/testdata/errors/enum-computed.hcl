mapping "enum-computed" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = enum(raw.name, raw.s) } # ERROR: computed name of an enum
  }
}
