listne = "127.0.0.1:8086" # ERROR: unknown attribute "listne"
