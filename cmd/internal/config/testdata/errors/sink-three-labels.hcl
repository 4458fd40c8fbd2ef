sink "file" "out" "more" { # ERROR: too many names for sink
  path = "out.jsonl"
}
