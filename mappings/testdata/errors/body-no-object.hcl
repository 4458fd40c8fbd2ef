mapping "body-no-object" {
  title  = "t"
  vendor = "v"
  event "alert" {
    body = raw # ERROR: unsuitable body
  }
}
