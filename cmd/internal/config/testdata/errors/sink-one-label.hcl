sink "file" { # ERROR: missing name of sink
  path = "out.jsonl"
}
