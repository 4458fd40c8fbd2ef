sink "ssf" "signals" {
  issuer = "https://signals.example.com"
  receiver "app" {
    audience     = ["https://app.example.com"]
    token_sha256 = ["2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"]
  }
  receiver "hr" { # ERROR: receiver "hr" has the token of "app"
    audience     = ["https://hr.example.com"]
    token_sha256 = ["2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"]
  }
}
