action "notify" {
}
action "notify" { # ERROR: action "notify" given twice
}
