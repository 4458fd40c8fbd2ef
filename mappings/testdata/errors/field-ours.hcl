mapping "field-ours" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
    ecs = { "event.id" = raw.h } # ERROR: field "event.id" cannot be set by a mapping
  }
}
