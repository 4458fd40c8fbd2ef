journal {
  max_size = bytes("20 gigs") # ERROR: invalid size "20 gigs"
}
