sink "kafka" "out" {
  brokers  = ["localhost:9092"]
  topic    = "actions"
  issuer   = "http://signals.example.com" # ERROR: invalid issuer
  audience = ["https://app.example.com"]
}
