mapping "no-events" { # ERROR: mapping without events
  title  = "t"
  vendor = "v"
}
