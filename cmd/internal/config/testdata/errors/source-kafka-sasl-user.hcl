source "kafka" "edr" {
  brokers = ["localhost:9092"]
  group   = "g"
  topic "a" { verify = "set" }
  sasl { # ERROR: no username or password
    mechanism = "SCRAM-SHA-512"
  }
}
