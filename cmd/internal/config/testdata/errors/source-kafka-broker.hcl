source "kafka" "edr" {
  brokers = ["localhost"] # ERROR: invalid broker "localhost"
  group   = "g"
  topic "a" { mapping = "crowdstrike" }
}
