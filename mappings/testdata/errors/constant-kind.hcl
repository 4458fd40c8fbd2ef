mapping "constant-kind" {
  title    = "t"
  vendor   = "v"
  observer = { vendor = ["a"], type = { a = "b" } } # ERROR: observer.type cannot be an object
  ecs      = { "event.severity" = "high" }          # ERROR: event.severity cannot be "high"
  enum "words" {
    high = ["high"]
  }
  locals {
    level = raw.bad ? "high" : "low"
    on    = raw.x == 1
    at    = time(raw.at)
  }
  event "alert" {
    time    = 5 # ERROR: time cannot be 5
    subject = "jane@example.com" # ERROR: subject cannot be "jane@example.com"
    body = {
      alert_id   = { a = raw.id } # ERROR: alert_id cannot be an object
      severity   = band(raw.n, [0, "low"], [70, "hihg"]) # ERROR: severity cannot be "hihg"
      risk_score = raw.x > 2 ? 70 : "high" # ERROR: risk_score cannot be "high"
      techniques = email(raw.user) # ERROR: techniques cannot be an object
      title      = coalesce(raw.title, { a = 1 }) # ERROR: title cannot be an object
    }
    ecs = {
      "source.ip"      = 5 # ERROR: source.ip cannot be 5
      "host.ip"        = ["10.0.0.1", "here"] # ERROR: host.ip cannot be "here"
      "event.start"    = local.on # ERROR: event.start cannot be true or false
      "alert.test"     = enum("words", raw.x) # ERROR: alert.test cannot be "high"
      "process.pid"    = local.at # ERROR: process.pid cannot be a time
      "process.name"   = raw[*] == [] ? "a" : "b" # ERROR: lists and objects are never equal
      "user.name"      = null
      "user.full_name" = "-"
      vendor           = "text" # ERROR: vendor cannot be "text"
    }
  }
  event "activity" {
    subject = complex({
      usr     = email(raw.user) # ERROR: unknown part "usr" of a subject
      device  = raw.id
      session = lower(raw.s) # ERROR: session cannot be a text
    })
    body    = { action = "x" }
  }
}
