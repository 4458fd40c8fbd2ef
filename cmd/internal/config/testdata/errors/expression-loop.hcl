node = [for n in ["a"] : n] # ERROR: loops are not available
