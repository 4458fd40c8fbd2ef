sink "ssf" "signals" {
  issuer             = "https://signals.example.com"
  algorithm          = "RS256"
  default_subjects   = "NONE"
  inactivity_timeout = "720h"
  on_inactivity      = "disable"
  bounds {
    poll_wait = "50s"
  }
  receiver "app" {
    audience     = ["https://app.example.com"]
    token_sha256 = ["2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"]
    events       = ["session-revoked"]
    subjects     = ["email:*@example.com"]
    stream "main" {
      poll {}
    }
  }
  receiver "hr" {
    audience = ["https://hr.example.com"]
    stream "main" {
      push {
        endpoint      = "https://hr.example.com/events"
        authorization = env("PUSH_SECRET")
      }
    }
  }
}
