mapping "field-unknown" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
    ecs = { "hots.name" = raw.h } # ERROR: unknown field "hots.name"
  }
}
