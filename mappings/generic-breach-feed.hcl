# What feeds find of people in breaches and in the loot of malware, in a shape of
# this product's own. One object, a list, or {"records": […]} is read. Never send
# passwords or their hashes: records are kept as they came.
#
#   Member           Required  Meaning
#   type             yes       breach-exposure: data of the person was in a breach;
#                              credential-compromise: a credential that others know now
#   user             yes       who: an e-mail address, or an object of email, id, issuer
#                              (of the id), name; email or id is needed
#   time                       when it became known to the feed; else the time of the
#                              message counts
#   source                     name of the feed
#
#   breach-exposure
#   breach           yes       name of the breach
#   credential_type            password, pin, x509, fido2-platform, fido2-roaming, fido-u2f,
#                              verifiable-credential, phone-voice, phone-sms or app
#   exposed_at                 when the data was taken: RFC 3339, a day, or seconds since the epoch
#   published_at               when it became known
#   data_classes               what was exposed, a list
#   url                        where it is described
#
#   credential-compromise
#   credential_type  yes       as above
#   reason                     how it became known, for administrators
#
#   {"type": "breach-exposure", "user": "jane@example.com", "breach": "Example 2025", "credential_type": "password"}
mapping "generic-breach-feed" {
  title  = "Breach feeds in signalbox's own shape"
  vendor = "breach-feed"
  unwrap = ["records"]

  locals {
    mail   = coalesce(address(raw.user.email), address(raw.user))
    person = aliases(email(local.mail), has(raw.user.issuer) ? iss_sub(raw.user.issuer, raw.user.id) : opaque(raw.user.id))
  }

  require "type is neither breach-exposure nor credential-compromise" { when = is(raw.type, "breach-exposure", "credential-compromise") }
  require "user has neither an e-mail address nor an id" { when = has(local.person) }

  event "breach-exposure" {
    when    = is(raw.type, "breach-exposure")
    time    = time(raw.time, raw.published_at)
    subject = local.person
    body = {
      breach          = raw.breach
      credential_type = lower(raw.credential_type)
      exposed_at      = epoch(raw.exposed_at)
      published_at    = epoch(raw.published_at)
      data_classes    = list(raw.data_classes)
      url             = raw.url
    }
  }

  event "credential-compromise" {
    when    = is(raw.type, "credential-compromise")
    time    = time(raw.time)
    subject = local.person
    body = {
      credential_type = lower(raw.credential_type)
      reason_admin    = raw.reason
    }
  }

  ecs = {
    "alert.source"     = "breach-feed"
    "event.reference"  = raw.url
    "observer.product" = raw.source
    "user.id"          = raw.user.id
    "user.name"        = coalesce(local.mail, raw.user.id)
    "user.email"       = local.mail
    "user.domain"      = account(local.mail).domain
    "user.full_name"   = raw.user.name
  }
}
