mapping "event-unknown" {
  title  = "t"
  vendor = "v"
  event "allert" { # ERROR: unknown event "allert"
    body = {}
  }
}
