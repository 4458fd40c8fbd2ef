x = 1 # ERROR: unexpected attribute "x"
