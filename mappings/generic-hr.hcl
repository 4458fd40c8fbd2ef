# Personnel changes, in a shape of this product's own, for what has no mapping: an
# export of the personnel system makes one object per change. One object, a list,
# or {"records": […]} is read.
#
#   Member      Required  Meaning
#   user        yes       who: an e-mail address, or an object of
#                         email, id, issuer (of the id), name; email or id is needed
#   change      yes       hired, moved, leaving, terminated or returned;
#                         terminated takes effect at once
#   effective             from when on: RFC 3339, a day, or seconds since the epoch
#   department            department from then on
#   role                  role from then on
#   manager               manager from then on, an e-mail address or a name
#   reference             the personnel record
#   time                  when it was entered; else the time of the message counts
#   source                name of the system
#
#   {"user": "jane@example.com", "change": "leaving", "effective": "2026-03-31"}
mapping "generic-hr" {
  title  = "Personnel changes in signalbox's own shape"
  vendor = "hr"
  unwrap = ["records"]

  enum "change" {
    hired      = ["hired"]
    moved      = ["moved"]
    leaving    = ["leaving"]
    terminated = ["terminated"]
    returned   = ["returned"]
  }

  locals {
    mail   = coalesce(address(raw.user.email), address(raw.user))
    person = aliases(email(local.mail), has(raw.user.issuer) ? iss_sub(raw.user.issuer, raw.user.id) : opaque(raw.user.id))
  }

  require "user has neither an e-mail address nor an id" { when = has(local.person) }

  event "employment-change" {
    time    = time(raw.time)
    subject = local.person
    body = {
      change     = enum("change", raw.change)
      effective  = deadline(raw.effective)
      department = raw.department
      role       = raw.role
      manager    = raw.manager
      reference  = raw.reference
    }
    ecs = {
      "alert.source"     = "hr"
      "observer.product" = raw.source
      "user.id"          = raw.user.id
      "user.name"        = coalesce(local.mail, raw.user.id)
      "user.email"       = local.mail
      "user.domain"      = account(local.mail).domain
      "user.full_name"   = raw.user.name
      "related.user"     = list(raw.manager)
    }
  }
}
