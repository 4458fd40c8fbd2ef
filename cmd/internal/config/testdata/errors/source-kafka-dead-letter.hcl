source "kafka" "edr" {
  brokers     = ["localhost:9092"]
  group       = "g"
  dead_letter = "alerts.dead" # ERROR: dead_letter is read by this source
  topic "alerts.*" {
    pattern = true
    mapping = "crowdstrike"
  }
}
