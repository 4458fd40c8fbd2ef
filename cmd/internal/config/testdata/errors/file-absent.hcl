node = file("no/such/file") # ERROR: file "no/such/file" does not exist
