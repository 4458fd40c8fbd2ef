journal {
  max_size = "20GiB" # ERROR: max_size must be a number
}
