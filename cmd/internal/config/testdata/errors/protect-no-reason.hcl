protect { # ERROR: missing attribute "reason"
  subjects = ["email:root@example.com"]
}
