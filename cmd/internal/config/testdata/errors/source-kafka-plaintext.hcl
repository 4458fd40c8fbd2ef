source "kafka" "edr" {
  brokers = ["kafka.example.com:9092"] # ERROR: connection without TLS
  group   = "g"
  topic "a" { mapping = "crowdstrike" }
}
