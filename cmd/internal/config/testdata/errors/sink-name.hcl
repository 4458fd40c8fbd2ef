sink "file" "../out" { # ERROR: invalid name "../out"
  path = "out.jsonl"
}
