traces {
  endpoint = "collector:4318" # ERROR: invalid endpoint
}
