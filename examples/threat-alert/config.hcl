# Sessions of an identity provider and reports of a threat feed come in by files;
# what has to be done about a phishing campaign goes out into one.

listen   = "127.0.0.1:0"
data_dir = "data"

issuer "https://idp.example.com" {
  jwks_file = "keys/idp.example.com.json"
  audience  = ["https://siem.example.com"]
  max_age   = "0s" // the tokens of an example are old by nature
  remit {
    events   = ["session-established"]
    subjects = ["email:*@example.com", "opaque:*"]
    links    = "own-subjects"
  }
}

issuer "https://feed.example.net" {
  jwks_file = "keys/feed.example.net.json"
  audience  = ["https://siem.example.com"]
  max_age   = "0s"
  remit {
    events   = ["credential-compromise"]
    subjects = ["email:*@example.com"]
    actions  = ["revoke-session", "require-credential-change", "raise-risk", "step-up"]
  }
}

source "file" "tokens" { path = "in/*.jwt" }

# Of the rules that come with the program, threat_alert decides here.

policies {
  rule "compromised_account" { enabled = false }
  rule "device_compliance" { enabled = false }
  rule "device_loss" { enabled = false }
  rule "leaked_credentials" { enabled = false }
  rule "session_hijack" { enabled = false }
  rule "session_inventory" { enabled = false }
  rule "unplanned_leaver" { enabled = false }
}

protect {
  subjects = ["email:break-glass@example.com"]
  reason   = "break-glass account, the last way in; a person decides"
}

action "revoke-session" {
  emit "session-revoked" { to = ["actions"] }
}

action "require-credential-change" {
  emit "account-credential-change-required" { to = ["actions"] }
}

action "raise-risk" {
  emit "risk-level-change" { to = ["actions"] }
}

sink "file" "actions" {
  path      = "out/actions.jsonl"
  authority = true // who reads the file takes our word for it that a session is over
}

index "sqlite" "local" {}
