mapping "local-unknown" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = local.id, severity = "low" } # ERROR: unknown local "id"
  }
}
