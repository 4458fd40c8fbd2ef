seen_for = duration("1d12h")
journal {
  keep     = "90d"
  max_size = bytes("1GiB") * 2
  min_free = 0
}
