action "Lock Badge" { # ERROR: invalid action name "Lock Badge"
}
