# A device manager that was built to tell an Okta org pushes here instead, a threat
# feed is read, and what is decided goes to the Okta org in Okta's own dialect.

listen   = "127.0.0.1:0"
data_dir = "data"

issuer "https://edr.example.com" {
  jwks_file = "keys/edr.example.com.json"
  audience  = ["https://siem.example.com"] // what it has for the URL of the org
  rules     = "okta"
  max_age   = "0s" // the tokens of an example are old by nature
  remit {
    events   = ["okta:*"]
    subjects = ["email:*@example.com", "opaque:laptop-*"]
    actions  = ["revoke-session"]
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
    actions  = ["raise-risk"]
  }
}

# Where the device manager pushes: POST /security/api/v1/security-events.
source "okta" "providers" { issuers = ["https://edr.example.com"] }

# The same tokens, and the feed's, as the tests play them.
source "file" "tokens" { path = "in/*.jwt" }

# Of the rules that come with the program, two decide here.
policies {
  rule "compromised_account" { enabled = false }
  rule "device_loss" { enabled = false }
  rule "leaked_credentials" { enabled = false }
  rule "session_hijack" { enabled = false }
  rule "session_inventory" { enabled = false }
  rule "unplanned_leaver" { enabled = false }
}

action "revoke-session" {
  emit "session-revoked" { to = ["org"] }
}

action "raise-risk" {
  emit "risk-level-change" { to = ["org"] } // to Okta: user-risk-change
}

sink "okta" "org" {
  org           = env("PEER") // such as https://example.okta.com
  issuer        = "https://signals.example.com"
  authority     = true // Okta takes our word for it that a session is over
  whole_user    = true // and ends all sessions where one was meant
  allow_private = true // the stand-in of the tests is on this machine
}

index "sqlite" "local" {}
