traces {
  endpoint = "http://127.0.0.1:4318"
  sample   = 1.5 # ERROR: sample out of range
}
