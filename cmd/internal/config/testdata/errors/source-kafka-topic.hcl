source "kafka" "edr" {
  brokers = ["localhost:9092"]
  group   = "g"
  topic "a.*" { mapping = "crowdstrike" } # ERROR: invalid topic "a.*"
}
