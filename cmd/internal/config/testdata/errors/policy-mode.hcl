policies {
  rule "threat_alert" {
    mode = "shadwo" # ERROR: unknown mode "shadwo"
  }
}
