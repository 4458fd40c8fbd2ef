source "file" "in" {
  path    = "in/*.jsonl"
  mapping = "acme"
  max_age = 24 # ERROR: max_age must be a duration
}
