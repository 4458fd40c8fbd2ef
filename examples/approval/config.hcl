# A threat feed reports two people. For one the directory is called; the other is
# protected, so that a person has to decide, who is told so in a chat.

listen   = "127.0.0.1:0"
data_dir = "data"

issuer "https://feed.example.net" {
  jwks_file = "keys/feed.example.net.json"
  audience  = ["https://siem.example.com"]
  max_age   = "0s" // the tokens of an example are old by nature
  remit {
    events   = ["credential-compromise"]
    subjects = ["email:*@example.com"]
    actions  = ["require-credential-change"]
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

action "require-credential-change" {
  emit "account-credential-change-required" { to = ["directory"] }
}

# The actuator. PEER is the address of both peers of this example.
sink "http" "directory" {
  url           = env("PEER")
  allow_private = true
  already       = [409] // the directory asks for a new credential already
}

# The notifier.
sink "http" "chat" {
  url           = env("PEER")
  allow_private = true
}

notify "chat" {
  on     = ["approval-waiting"]
  gather = "0s" // tell at once; the default waits a moment for more
  body = {
    text  = "[${notice.severity}] ${notice.text}: ${notice.detail}"
    reply = notice.command
  }
}

index "sqlite" "local" {}
