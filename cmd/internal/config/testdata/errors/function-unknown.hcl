node = getenv("NODE") # ERROR: call to unknown function
