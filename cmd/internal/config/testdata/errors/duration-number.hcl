seen_for = 30 # ERROR: seen_for must be a duration
