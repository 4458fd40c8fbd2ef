node = getenv("NODE") # ERROR: unknown function "getenv"
