listen = "8086" # ERROR: invalid address
