sink "ssf" "signals" {
  issuer = "https://signals.example.com"
  receiver "app" {
    audience = ["https://app.example.com"]
    stream "none" { # ERROR: no way to deliver
    }
    stream "polled" {
      poll {} # ERROR: nobody can poll
    }
    stream "pushed" {
      push {
        endpoint = "http://app.example.com/events" # ERROR: unusable endpoint
      }
    }
    stream "pushed" { # ERROR: stream "pushed" given twice
      push {
        endpoint = "https://app.example.com/more"
      }
    }
  }
  receiver "app" { # ERROR: receiver "app" given twice
    audience = ["https://app.example.com"]
    stream "x" {
      push {
        endpoint = "https://app.example.com/x"
      }
    }
  }
}
