quarantine {
  max_entries = 0 # ERROR: max_entries out of range
}
