source "kafka" "edr" {
  brokers = ["localhost:9092"]
  group   = "g"
  start   = "first" # ERROR: unknown start "first"
  topic "a" { verify = "set" }
}
