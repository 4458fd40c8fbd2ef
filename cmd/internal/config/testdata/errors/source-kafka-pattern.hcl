source "kafka" "edr" {
  brokers = ["localhost:9092"]
  group   = "g"
  topic "a(" { # ERROR: invalid pattern of topics
    pattern = true
    mapping = "crowdstrike"
  }
}
