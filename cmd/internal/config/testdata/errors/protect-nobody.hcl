protect {
  subjects = [] # ERROR: nobody is protected
  reason   = "break glass"
}
