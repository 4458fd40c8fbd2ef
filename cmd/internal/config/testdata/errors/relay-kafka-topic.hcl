relay "kafka" "out" {
  brokers = ["localhost:9092"]
  topic   = "a b" # ERROR: invalid topic "a b"
}
