# EDR alerts come in by a Kafka topic, as their producer writes them anyway. What
# has to be done about the malicious ones goes out as signed events into another.

data_dir = "data"

source "kafka" "edr" {
  brokers = [env("KAFKA")] // such as 127.0.0.1:19092
  group   = "signalbox"
  topic "crowdstrike-alerts" { mapping = "crowdstrike" }

  // What is refused also goes here, as it was.
  dead_letter = "signalbox-refused"

  // What the alerts may cause. Who may write to the topic is said by the brokers.
  remit {
    events   = ["alert"]
    subjects = ["email:*@example.com", "iss_sub:*", "opaque:*"]
    actions  = ["revoke-session", "require-credential-change"]
  }
}

# One rule decides here, rules/signals/malicious_alert.rego.
policies {
  shipped = false
  dir     = "rules"
}

action "revoke-session" {
  emit "session-revoked" { to = ["actions"] }
}

action "require-credential-change" {
  emit "account-credential-change-required" { to = ["actions"] }
}

sink "kafka" "actions" {
  brokers   = [env("KAFKA")]
  topic     = "signalbox-actions"
  issuer    = "https://signals.example.com"
  audience  = ["https://app.example.com"]
  authority = true // who reads the topic takes our word for it that a session is over
}

index "sqlite" "local" {}
