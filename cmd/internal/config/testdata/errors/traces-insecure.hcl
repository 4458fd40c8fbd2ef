traces {
  endpoint = "http://collector.example.com:4318" # ERROR: endpoint without TLS
}
