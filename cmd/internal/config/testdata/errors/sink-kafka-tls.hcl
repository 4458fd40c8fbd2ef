sink "kafka" "out" {
  brokers  = ["kafka.example.com:9093"]
  topic    = "actions"
  issuer   = "https://signals.example.com"
  audience = ["https://app.example.com"]
  tls { # ERROR: half a client certificate
    cert_file = "client.pem"
  }
}
