# The identity provider's side. It has a log and no Shared Signals: this process
# reads the log (Okta's System Log) and states its events in a stream that
# receivers make, look after and poll.

listen   = "127.0.0.1:8090"
data_dir = "../out/idp"

tls { self_signed = true } # out/idp/tls/cert.pem, which the SOC is told to trust

source "file" "log" {
  path    = "../out/log/*.jsonl"
  follow  = true
  every   = "100ms"
  mapping = "okta-log"
  remit {
    events   = ["session-established", "session-revoked", "risk-level-change", "credential-change"]
    subjects = ["email:*@example.com", "iss_sub:okta|*", "opaque:*"]
    actions  = ["*"]
  }
}

policies {
  shipped = false
  dir     = "rules"
}

# One action type for each event that is passed on, as it stands.
action "state-session-established" {
  merge = "0s"
  emit "session-established" {
    to   = ["streams"]
    body = { event_timestamp = event.time, initiating_entity = "user" }
  }
}

action "state-session-revoked" {
  merge = "0s"
  emit "session-revoked" {
    to   = ["streams"]
    body = { event_timestamp = event.time, initiating_entity = "admin", reason_admin = { en = action.reason } }
  }
}

action "state-risk" {
  merge = "0s"
  emit "risk-level-change" {
    to = ["streams"]
    body = {
      event_timestamp = event.time
      principal       = "USER"
      current_level   = action.with.level
      previous_level  = action.with.before
      risk_reason     = action.reason
    }
  }
}

action "state-credential-change" {
  merge = "0s"
  emit "credential-change" {
    to   = ["streams"]
    body = { event_timestamp = event.time, credential_type = action.with.credential, change_type = action.with.change }
  }
}

sink "ssf" "streams" {
  issuer    = "https://localhost:8090"
  authority = true // it is the provider's own word
  receiver "soc" {
    audience = ["https://soc.example.com"]
    token    = env("IDP_TOKEN")
  }
  bounds { redeliver = "5s" } // a receiver that fell gets again what it did not acknowledge
}

index "sqlite" "local" {}
