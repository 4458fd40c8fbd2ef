seen_for = "1s" # ERROR: seen_for out of range
