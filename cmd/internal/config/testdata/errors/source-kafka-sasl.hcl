source "kafka" "edr" {
  brokers         = ["kafka.example.com:9092"]
  group           = "g"
  allow_plaintext = true
  topic "a" { verify = "set" }
  sasl {
    mechanism = "PLAIN" # ERROR: PLAIN without TLS
    username  = "u"
    password  = env("PUSH_SECRET")
  }
}
