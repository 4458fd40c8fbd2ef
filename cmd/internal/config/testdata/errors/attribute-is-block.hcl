journal = "30d" # ERROR: "journal" is a block
