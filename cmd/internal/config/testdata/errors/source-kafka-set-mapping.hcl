source "kafka" "edr" {
  brokers = ["localhost:9092"]
  group   = "g"
  topic "a" {
    verify  = "set"
    mapping = "crowdstrike" # ERROR: mapping of tokens
  }
}
