mapping "field-computed" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
    ecs = { (raw.x) = raw.h } # ERROR: computed field
  }
}
