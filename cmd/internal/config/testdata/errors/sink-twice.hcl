sink "file" "out" {
  path = "out.jsonl"
}
sink "file" "out" { # ERROR: name "out" given twice
  path = "other.jsonl"
}
