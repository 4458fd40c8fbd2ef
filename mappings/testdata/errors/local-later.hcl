mapping "local-later" {
  title  = "t"
  vendor = "v"
  locals {
    a = local.b # ERROR: local "b" is not known here yet
    b = raw.x
  }
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
