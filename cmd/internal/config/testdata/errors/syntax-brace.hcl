listen = "127.0.0.1:8086"
journal { # ERROR: unclosed configuration block
  keep = "30d"
