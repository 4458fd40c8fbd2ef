source "file" "in" {
  path    = "in/*.jsonl"
  mapping = "acme"
  remit {
    events = ["alrt"] # ERROR: unknown event "alrt"
  }
}
