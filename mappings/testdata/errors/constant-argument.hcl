mapping "constant-argument" {
  title  = "t"
  vendor = "v"
  when   = "true" # ERROR: a condition that never holds
  skip "never" { when = lower(raw.x) } # ERROR: a condition that never holds
  event "alert" {
    when = raw.at > "2026-01-01" && raw.n > 5 # ERROR: "2026-01-01" is not greater or smaller than anything
    time = time(raw.at, "soon") # ERROR: time makes nothing of "soon"
    body = {
      alert_id   = raw.id
      severity   = raw.at > time(raw.seen) ? "low" : "high"
      tactics    = tactics("Persistance") # ERROR: tactics makes nothing of "Persistance"
      risk_score = meta.received - 5 # ERROR: a time is no number
      reason     = meta.received > 5 ? "a" : "b" # ERROR: a time is not greater or smaller than a number
      techniques = split(raw.list, ",") # ERROR: separator in the wrong place
      title      = -"x" == raw.y ? "a" : "b" # ERROR: "x" is no number
    }
  }
}
