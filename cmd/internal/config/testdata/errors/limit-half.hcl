guards {
  limit { # ERROR: missing attribute "per"
    actions = 5
  }
}
