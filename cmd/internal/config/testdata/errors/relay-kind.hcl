relay "kafak" "out" { # ERROR: unknown kind of relay "kafak"
  topic = "sets"
}
