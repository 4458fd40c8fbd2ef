source "kafka" "edr" { # ERROR: remit without a mapping
  brokers = ["localhost:9092"]
  group   = "g"
  topic "a" { verify = "set" }
  remit { events = ["*"] }
}
