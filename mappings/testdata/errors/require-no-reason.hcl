mapping "require-no-reason" {
  title  = "t"
  vendor = "v"
  require { # ERROR: require without a reason
    when = has(raw.id)
  }
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
