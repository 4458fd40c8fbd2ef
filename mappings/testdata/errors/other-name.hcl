mapping "acme" { # ERROR: mapping "acme" in file other-name.hcl
  title  = "t"
  vendor = "v"
  event "alert" {
    body = { alert_id = raw.id, severity = "low" }
  }
}
