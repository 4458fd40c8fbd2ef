# Tickets that say something of a person, a device or access, in a shape of this
# product's own: the service desk sends one object when a ticket is opened,
# decided or closed. One object, a list, or {"records": […]} is read.
#
#   Member         Required  Meaning
#   type           yes       access-request, access-grant, device-lost or identity-proofed
#   user           yes       who: an e-mail address, or an object of email, id, issuer
#                            (of the id), name; email or id is needed. Not required
#                            of device-lost, where the device counts
#   time                     when it happened; else the time of the message counts
#   ticket, url              number and address of the ticket
#   source                   name of the system
#
#   access-request
#   request_id     yes       id of the request
#   resource       yes       what to
#   role                     as what
#   requester                who asked, if not the user
#   justification            why
#   until                    for how long: RFC 3339, a day, or seconds since the epoch
#   privileged               true if the access is privileged
#
#   access-grant
#   state          yes       granted, withdrawn or expired
#   resource       yes       what to
#   role, request_id, until, privileged    as above
#   approvers                who approved, a list
#
#   device-lost
#   device         yes       an object of id (as the device manager names it), name, serial
#                            (id is needed), or the id alone
#   state          yes       lost, stolen or found
#   lost_at                  when it was lost
#   reported_by              who reported it
#   reason                   the circumstances
#
#   identity-proofed
#   outcome        yes       success or failure
#   method                   how: document, in-person, video
#   level                    assurance reached, as in NIST-IAL
#   reference                where the evidence is kept
#   by                       who checked it
#
#   {"type": "device-lost", "device": {"id": "7"}, "user": "jane@example.com", "state": "stolen"}
mapping "generic-ticket" {
  title  = "Tickets in signalbox's own shape"
  vendor = "ticket"
  unwrap = ["records"]

  enum "grant" {
    granted   = ["granted"]
    withdrawn = ["withdrawn"]
    expired   = ["expired"]
  }
  enum "loss" {
    lost   = ["lost"]
    stolen = ["stolen"]
    found  = ["found"]
  }
  enum "outcome" {
    success = ["success"]
    failure = ["failure"]
  }

  locals {
    mail   = coalesce(address(raw.user.email), address(raw.user))
    person = aliases(email(local.mail), has(raw.user.issuer) ? iss_sub(raw.user.issuer, raw.user.id) : opaque(raw.user.id))
    lost   = is(raw.type, "device-lost")
    device = coalesce(raw.device.id, text(raw.device))
  }

  require "type is none of access-request, access-grant, device-lost and identity-proofed" {
    when = is(raw.type, "access-request", "access-grant", "device-lost", "identity-proofed")
  }
  require "user has neither an e-mail address nor an id" { when = has(local.person) || local.lost }
  require "device has no id" { when = has(local.device) || !local.lost }

  event "access-request" {
    when    = is(raw.type, "access-request")
    time    = time(raw.time)
    subject = local.person
    body = {
      request_id    = raw.request_id
      resource      = raw.resource
      role          = raw.role
      requester     = raw.requester
      justification = raw.justification
      until         = deadline(raw.until)
      privileged    = bool(raw.privileged)
    }
  }

  event "access-grant" {
    when    = is(raw.type, "access-grant")
    time    = time(raw.time)
    subject = local.person
    body = {
      state      = enum("grant", raw.state)
      resource   = raw.resource
      role       = raw.role
      request_id = raw.request_id
      approvers  = list(raw.approvers)
      until      = deadline(raw.until)
      privileged = bool(raw.privileged)
    }
  }

  event "device-lost" {
    when    = local.lost
    time    = time(raw.time)
    subject = complex({ user = local.person, device = opaque(local.device) })
    body = {
      state       = enum("loss", raw.state)
      lost_at     = epoch(raw.lost_at)
      reported_by = raw.reported_by
      reason      = raw.reason
    }
    ecs = {
      "host.id"              = local.device
      "host.name"            = lower(raw.device.name)
      "device.id"            = local.device
      "device.serial_number" = raw.device.serial
    }
  }

  event "identity-proofed" {
    when    = is(raw.type, "identity-proofed")
    time    = time(raw.time)
    subject = local.person
    body = {
      outcome   = enum("outcome", raw.outcome)
      method    = raw.method
      level     = raw.level
      reference = raw.reference
      by        = raw.by
    }
  }

  ecs = {
    "alert.source"     = "ticket"
    "alert.case_id"    = raw.ticket
    "event.url"        = raw.url
    "observer.product" = raw.source
    "user.id"          = raw.user.id
    "user.name"        = coalesce(local.mail, raw.user.id)
    "user.email"       = local.mail
    "user.domain"      = account(local.mail).domain
    "user.full_name"   = raw.user.name
    "related.user"     = list(raw.requester, raw.approvers, raw.reported_by, raw.by)
  }
}
