policies {
  rule "threat_alert" {
  }
  rule "threat_alert" { # ERROR: name "threat_alert" given twice
  }
}
