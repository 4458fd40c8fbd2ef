listen = "127.0.0.1:8086 # ERROR: invalid multi-line string
