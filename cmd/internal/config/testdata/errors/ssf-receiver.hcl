sink "ssf" "signals" {
  issuer   = "https://signals.example.com"
  audience = ["https://app.example.com"] # ERROR: both audience and receivers
  url      = "http://signals.example.com" # ERROR: unusable url
  receiver "app" {
    audience     = []                             # ERROR: no audience
    token_sha256 = ["2bb8"]                       # ERROR: not a SHA-256 digest
    scopes       = ["ssf.admin"]                  # ERROR: unknown scope "ssf.admin"
    events       = ["session-revoked", "sessions"] # ERROR: no event "sessions" for streams
    subjects     = ["jane"]                       # ERROR: unusable subject pattern
  }
}
