# The whole of it: Security Event Tokens by a stream of the identity provider and
# by a Kafka topic, alerts of two EDRs by Kafka topics, decisions over all of them,
# actions out as signed tokens, and everything in Elasticsearch.
#
# Everything is on this machine, so plain HTTP and plain Kafka will do. Secrets
# come from the environment, where README.md makes them.

listen   = "127.0.0.1:8086"
data_dir = "out/soc"

# ------------------------------------------------------------ whom we believe

issuer "https://localhost:8090" { // the identity provider
  jwks     = "https://localhost:8090/jwks.json"
  ca_file  = "out/idp/tls/cert.pem"
  audience = ["https://soc.example.com"]
  remit {
    events   = ["session-established", "session-revoked", "risk-level-change", "credential-change"]
    subjects = ["email:*@example.com", "opaque:*"]
    actions  = ["disable-account"]
    links    = "own-subjects"
  }
}

issuer "https://feed.example.net" { // a feed of leaked credentials
  jwks_file = "out/feed.jwks.json"
  audience  = ["https://soc.example.com"]
  remit {
    events   = ["credential-compromise"]
    subjects = ["email:*@example.com"]
    actions  = ["require-credential-change"]
  }
}

# ------------------------------------------------------------- what comes in

# A stream that is made at the identity provider, looked after and polled.
source "ssf" "idp" {
  issuer        = "https://localhost:8090"
  transmitter   = "https://localhost:8090"
  authorization = "Bearer ${env("IDP_TOKEN")}"
  allow_private = true // it is on this machine
  ca_file       = "out/idp/tls/cert.pem"
  stream {
    events = ["session-established", "session-revoked", "risk-level-change", "credential-change"]
  }
}

# Alerts as the EDRs write them, and tokens that are verified one by one.
source "kafka" "bus" {
  brokers     = [env("KAFKA")]
  group       = "soc"
  dead_letter = "soc-refused"
  topic "crowdstrike-alerts" { mapping = "crowdstrike" }
  topic "defender-alerts"    { mapping = "defender" }
  topic "sets"               { verify = "set" }

  // What alerts may cause. Tokens are held to the remit of their issuer.
  remit {
    events   = ["alert"]
    subjects = ["email:*@example.com", "iss_sub:*", "opaque:*"]
    actions  = ["revoke-session", "disable-account", "require-credential-change"]
  }
}

# -------------------------------------------------------------- what is decided

policies {
  shipped = false
  dir     = "rules"
}

protect {
  subjects = ["email:break-glass@example.com"]
  reason   = "break-glass account, the last way in; a person decides"
}

# ---------------------------------------------------------------- what is done

action "revoke-session" {
  emit "session-revoked" { to = ["apps", "actions"] }
}

# The fact goes out after the call was taken.
action "disable-account" {
  do "directory" {
    body = { disable = subject.email, because = action.reason }
  }
  emit "account-disabled" { to = ["apps", "actions"] }
}

action "require-credential-change" {
  emit "account-credential-change-required" { to = ["apps", "actions"] }
}

# -------------------------------------------------------------- where it goes

# Applications make streams of their own here, and poll.
sink "ssf" "apps" {
  issuer    = "https://signals.example.com"
  url       = "http://127.0.0.1:8086"
  authority = true // who reads it takes our word for it that a session is over
  receiver "crm" {
    audience = ["https://crm.example.com"]
    token    = env("CRM_TOKEN")
    events   = ["session-revoked", "account-disabled", "account-credential-change-required"]
  }
}

# The same for whoever reads the topic.
sink "kafka" "actions" {
  brokers   = [env("KAFKA")]
  topic     = "soc-actions"
  issuer    = "https://signals.example.com"
  audience  = ["https://apps.example.com"]
  authority = true
}

# In place of the API of a directory: what it would be asked.
sink "file" "directory" { path = "out/directory.jsonl" }

# -------------------------------------------------------------- what is kept

index "elasticsearch" "soc" {
  addresses = [env("ELASTICSEARCH")]
  api_key   = env("ELASTICSEARCH_KEY") // may write documents and read them, nothing else
}
