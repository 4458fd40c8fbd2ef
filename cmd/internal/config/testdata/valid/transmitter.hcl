issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "idp" {
  issuer      = "https://idp.example.com"
  transmitter = "https://idp.example.com"
  oauth {
    token_url     = "https://idp.example.com/oauth2/token"
    client_id     = "signalbox"
    client_secret = env("PUSH_SECRET")
    method        = "client_secret_post"
    scopes        = ["ssf.manage", "ssf.read"]
  }
  stream {
    events       = ["session-revoked", "https://example.com/event/of-our-own"]
    description  = "the SIEM"
    subjects     = ["email:jane@example.com"]
    verify_every = "2m"
  }
  poll {
    max_events = 50
    wait       = "30s"
  }
}
source "ssf" "push" {
  issuer      = "https://idp.example.com"
  transmitter = "https://idp.example.com"
  client_cert = "us.pem"
  client_key  = "us.pem"
  push {
    authorization = env("PUSH_SECRET")
    endpoint_url  = "https://siem.example.com/ssf/push/push"
  }
}
source "ssf" "there" {
  issuer        = "https://idp.example.com"
  transmitter   = "https://idp.example.com"
  authorization = env("PUSH_SECRET")
  stream {
    id    = "stream-17"
    as_is = true
  }
}
