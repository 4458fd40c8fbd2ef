source "kafka" "workers" {
  brokers = ["localhost:9092"]
  group   = "g"
  topic "sets" { verify = "set" }
}
relay "kafka" "out" {
  brokers = ["localhost:9092"]
  topic   = "sets" # ERROR: source "workers" reads what this relay writes
}
