sink "flie" "out" { # ERROR: unknown kind of sink "flie"
  path = "out.jsonl"
}
