sink "file" "out" {
  pat = "out.jsonl" # ERROR: unknown attribute "pat"
  path = "out.jsonl"
}
