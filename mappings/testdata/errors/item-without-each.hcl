mapping "item-without-each" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = item.id, severity = "low" } # ERROR: item without each
  }
}
