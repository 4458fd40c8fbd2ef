seen_for = "30 days" # ERROR: invalid duration "30 days"
