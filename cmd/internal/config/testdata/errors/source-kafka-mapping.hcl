source "kafka" "edr" {
  brokers = ["localhost:9092"]
  group   = "g"
  topic "a" {} # ERROR: topic without a mapping
}
