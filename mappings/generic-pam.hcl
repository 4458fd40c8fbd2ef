# Privileged access: checkouts of a vault and privileged sessions, in a shape of
# this product's own. One object, a list, or {"records": […]} is read. Never send
# the value of a secret: records are kept as they came.
#
#   Member       Required  Meaning
#   type         yes       checkout or privileged-session
#   user         yes       the person: an e-mail address, or an object of email, id,
#                          issuer (of the id), name; email or id is needed
#   time                   when it happened; else the time of the message counts
#   source                 name of the system
#   source_ip              address it came from
#
#   checkout
#   checkout_id  yes       id of the checkout
#   state        yes       out, returned or expired
#   secret                 name of the secret, never its value
#   reason                 what for
#   until                  for how long: RFC 3339, a day, or seconds since the epoch
#
#   privileged-session
#   session_id   yes       id of the session
#   state        yes       started, anomalous, paused or ended
#   target                 the system worked on
#   account                the account worked with
#   recording              where the recording is kept
#   reason                 what stood out
#
#   {"type": "checkout", "user": "jane@example.com", "checkout_id": "c-1", "state": "out"}
mapping "generic-pam" {
  title  = "Checkouts and privileged sessions in signalbox's own shape"
  vendor = "pam"
  unwrap = ["records"]

  enum "checkout" {
    out      = ["out"]
    returned = ["returned"]
    expired  = ["expired"]
  }
  enum "session" {
    started   = ["started"]
    anomalous = ["anomalous"]
    paused    = ["paused"]
    ended     = ["ended"]
  }

  locals {
    mail   = coalesce(address(raw.user.email), address(raw.user))
    person = aliases(email(local.mail), has(raw.user.issuer) ? iss_sub(raw.user.issuer, raw.user.id) : opaque(raw.user.id))
  }

  require "type is neither checkout nor privileged-session" { when = is(raw.type, "checkout", "privileged-session") }
  require "user has neither an e-mail address nor an id" { when = has(local.person) }

  event "checkout" {
    when    = is(raw.type, "checkout")
    time    = time(raw.time)
    subject = local.person
    body = {
      checkout_id = raw.checkout_id
      state       = enum("checkout", raw.state)
      secret      = raw.secret
      reason      = raw.reason
      until       = deadline(raw.until)
    }
  }

  event "privileged-session" {
    when    = is(raw.type, "privileged-session")
    time    = time(raw.time)
    subject = complex({ user = local.person, session = opaque(raw.session_id) })
    body = {
      session_id = raw.session_id
      state      = enum("session", raw.state)
      target     = raw.target
      account    = raw.account
      recording  = raw.recording
      reason     = raw.reason
    }
    ecs = {
      "session.id"    = raw.session_id
      "related.user"  = list(raw.account)
      "related.hosts" = list(raw.target)
    }
  }

  ecs = {
    "alert.source"     = "pam"
    "observer.product" = raw.source
    "source.ip"        = ip(raw.source_ip)
    "user.id"          = raw.user.id
    "user.name"        = coalesce(local.mail, raw.user.id)
    "user.email"       = local.mail
    "user.domain"      = account(local.mail).domain
    "user.full_name"   = raw.user.name
  }
}
