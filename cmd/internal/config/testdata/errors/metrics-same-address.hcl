metrics {
  listen = "127.0.0.1:8086" # ERROR: address used twice
}
