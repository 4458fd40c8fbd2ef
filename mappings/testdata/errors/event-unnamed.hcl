mapping "event-unnamed" {
  title  = "t"
  vendor = "v"
  event { # ERROR: event without a name
  }
}
