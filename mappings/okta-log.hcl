# Okta System Log: events as the log and its streams give them, event hooks
# ({"data": {"events": […]}}), and the events of Identity Threat Protection.
#
# A fact that a standard event states becomes that event, if it came about: what
# failed or was merely asked for becomes an activity. The user of an event is the
# one it befell; who did it to them is vendor.actor.
#
# What Okta repeats of a signal that a security events provider gave it must not
# come back as a new signal, for that provider may be this product. So
# security.events.provider.receive_event, and a user.risk.detect or a
# user.session.context.change that names an issuer other than Okta, become
# activities without subject and concepts: rules have nobody to act on, and people
# find by related.user and time whether a signal arrived.
mapping "okta-log" {
  title    = "Okta System Log and Identity Threat Protection"
  vendor   = "okta"
  observer = { vendor = "Okta", product = "Identity Cloud", type = "idp" }
  unwrap   = ["data", "events"]
  when     = has(raw.eventType) && (has(raw.uuid) || has(raw.actor) || has(raw.target))

  enum "outcome" {
    success = ["success", "allow"]
    failure = ["failure", "deny"]
    unknown = ["unknown", "challenge", "skipped", "abandoned", "deferred", "rate_limit"]
  }
  enum "level" {
    LOW    = ["low", "none", "secure"]
    MEDIUM = ["medium"]
    HIGH   = ["high"]
  }
  # Okta does not say whether an authenticator of WebAuthn is a part of the device.
  # For others the credential-change event has no kind: they become activities.
  enum "factor" {
    app           = ["okta_verify", "okta_verify_push", "okta_verify_totp", "okta_soft_token", "signed_nonce", "google_otp", "google_otp_token", "google_authenticator", "token_software_totp", "duo_security", "duo", "symantec_vip", "custom_app", "custom_otp", "push", "token:software:totp"]
    phone-sms     = ["sms_factor", "sms"]
    phone-voice   = ["call_factor", "call", "voice_call"]
    fido2-roaming = ["fido_webauthn", "fido2_webauthn", "webauthn", "passkey"]
    fido-u2f      = ["fido_u2f", "u2f"]
    other         = ["email_factor", "email", "yubikey_token", "yubikey_otp_token", "rsa_token", "rsa_securid", "token:hardware", "token_hardware", "security_question", "question"]
    password      = ["password_as_factor", "okta_password", "password"]
    x509          = ["smart_card_idp", "smart_card", "x509"]
  }
  enum "change" {
    create = ["user.mfa.factor.activate"]
    update = ["user.mfa.factor.update", "user.mfa.factor.unsuspend", "user.account.update_password"]
    revoke = ["user.mfa.factor.suspend", "user.account.reset_password"]
    delete = ["user.mfa.factor.deactivate"]
  }

  locals {
    type    = raw.eventType
    data    = raw.debugContext.debugData
    time    = time(raw.published, envelope.eventTime)
    outcome = enum("outcome", raw.outcome.result)
    done    = local.outcome == null || is(local.outcome, "success")

    # Clients, providers and addresses act too, and are no users.
    by_user  = is(raw.actor.type, "User") && !machine(raw.actor.alternateId)
    target   = first([for t in list(raw.target) : t if is(t.type, "User")])
    targeted = has(clean(local.target.id, "unknown")) || has(clean(local.target.alternateId, "unknown"))
    user     = local.targeted ? local.target : local.by_user ? raw.actor : null
    user_id  = clean(local.user.id, "unknown")
    login    = clean(local.user.alternateId, "unknown")
    person   = aliases(email(local.login), iss_sub("okta", local.user_id))
    himself  = local.by_user && (!local.targeted || is(raw.actor.id, local.user_id) || is(raw.actor.alternateId, local.login))
    entity   = local.himself ? "user" : local.by_user ? "admin" : "system"
    app      = first([for t in list(raw.target) : t if is(t.type, "AppInstance")])
    policy   = first([for t in list(raw.target) : t if is(t.type, "Policy", "PolicyEntity")])
    rule     = first([for t in list(raw.target) : t if is(t.type, "Rule", "PolicyRule", "Policy Evaluation")])
    action   = first([for t in list(raw.target) : coalesce(t.detailEntry.policyAction, t.displayName) if is(t.type, "PolicyAction")])

    # The session named with an event is that of who did it: of the administrator
    # who ended those of others, for one. trs… is none a person works in.
    actors_session = starts_with(raw.authenticationContext.externalSessionId, "trs") ? null : clean(raw.authenticationContext.externalSessionId, "unknown")
    own_session    = local.himself ? local.actors_session : null
    # Of a context that changed the session is named apart, for the actor may be Okta.
    context_change = is(local.type, "user.session.context.change", "user.session.context.changed")
    session        = local.context_change ? coalesce(clean(local.data.externalSessionId, "unknown"), first([for t in list(raw.target) : clean(t.id, "unknown") if is(t.type, "Session")]), local.own_session) : local.own_session
    ended          = coalesce(clean(local.data.endedSessionId, "unknown"), is(local.type, "user.session.end") ? local.own_session : null)

    risk     = pairs(local.data.risk)
    level    = enum("level", local.risk.level)
    provider = (local.context_change || is(local.type, "user.risk.detect", "user.risk.change")) && (contains(local.risk.detectionName, "security events provider") || has(local.risk.issuer) && !has(regex("(?i)^(?:okta|(?:https://)?[a-z0-9-]+\\.(?:okta|oktapreview|okta-emea|okta-gov)\\.com/?)$", local.risk.issuer)))
    received = json(local.data.partnerRiskReportData)
    relayed  = local.provider || is(local.type, "security.events.provider.receive_event")

    factor = enum("factor", coalesce(local.data.factor, local.data.factorType, regex("\\b([A-Z0-9]+(?:_[A-Z0-9]+)+)\\b", raw.outcome.reason)))

    # The standard event that the record states.
    fact = coalesce(
      local.relayed ? "none" : null,
      is(local.type, "user.risk.detect", "user.risk.change") && local.targeted && is(local.level, "LOW", "MEDIUM", "HIGH") ? "user-risk" : null,
      local.context_change && has(local.session) && is(local.level, "LOW", "MEDIUM", "HIGH") ? "session-risk" : null,
      is(local.type, "security.breached_credential.detected") && has(local.person) ? "credential-compromise" : null,
      !local.done ? "none" : null,
      is(local.type, "user.session.clear", "user.authentication.universal_logout") && local.targeted ? "session-revoked" : null,
      is(local.type, "user.session.end") && has(local.ended) ? "session-revoked" : null,
      is(local.type, "user.session.start") && has(local.own_session) ? "session-established" : null,
      is(local.type, "user.lifecycle.suspend", "user.lifecycle.deactivate") && local.targeted ? "account-disabled" : null,
      is(local.type, "user.lifecycle.unsuspend", "user.lifecycle.activate", "user.lifecycle.reactivate") && local.targeted ? "account-enabled" : null,
      is(local.type, "user.lifecycle.delete", "user.lifecycle.delete.completed") && local.targeted ? "account-purged" : null,
      is(local.type, "user.account.update_password", "user.account.reset_password") && local.targeted ? "password" : null,
      is(local.type, "user.account.expire_password") && local.targeted ? "credential-change-required" : null,
      is(local.type, "user.mfa.factor.activate", "user.mfa.factor.deactivate", "user.mfa.factor.update", "user.mfa.factor.suspend", "user.mfa.factor.unsuspend") && local.targeted && has(local.factor) && !is(local.factor, "unknown", "other") ? "factor" : null,
      "none",
    )

    phishing   = !local.done && starts_with(local.type, "user.authentication.") && contains(raw.outcome.reason, "phishing")
    reuse      = is(local.type, "app.oauth2.token.detect_reuse", "app.oauth2.as.token.detect_reuse")
    threat     = is(local.type, "security.threat.detected")
    reported   = is(local.type, "user.account.report_suspicious_activity_by_enduser")
    alert      = local.phishing || local.reuse || local.threat || local.reported
    detections = json(local.data.threatDetections)
    threats    = [for name, level in local.detections : level]
    behaviors  = [for name, seen in pairs(local.data.behaviors) : name if is(seen, "POSITIVE")]
  }

  event "risk-level-change" {
    when    = is(local.fact, "user-risk", "session-risk")
    time    = local.time
    subject = complex({ user = local.person, session = is(local.fact, "session-risk") ? opaque(local.session) : null })
    body = {
      principal         = is(local.fact, "user-risk") ? "USER" : "SESSION"
      current_level     = local.level
      previous_level    = has(local.risk.previousLevel) ? enum("level", local.risk.previousLevel) : null
      risk_reason       = coalesce(local.risk.reasons, local.risk.detectionName, raw.displayMessage)
      initiating_entity = is(local.fact, "user-risk") && local.by_user && !local.himself ? "admin" : "policy"
    }
  }

  event "credential-compromise" {
    when    = is(local.fact, "credential-compromise")
    time    = local.time
    subject = local.person
    body    = { credential_type = "password", reason_admin = coalesce(raw.outcome.reason, raw.displayMessage) }
  }

  event "session-revoked" {
    when = is(local.fact, "session-revoked")
    time = local.time
    subject = complex({
      user        = local.person
      session     = opaque(local.ended)
      application = is(local.type, "user.authentication.universal_logout") ? opaque(local.app.id) : null
    })
    body = { initiating_entity = local.entity, reason_admin = coalesce(raw.outcome.reason, raw.displayMessage) }
    ecs  = { "session.id" = local.ended }
  }

  event "session-established" {
    when    = is(local.fact, "session-established")
    time    = local.time
    subject = complex({ user = local.person, session = opaque(local.own_session) })
    body    = { initiating_entity = "user", ext_id = clean(raw.authenticationContext.rootSessionId, "unknown") }
  }

  event "account-disabled" {
    when    = is(local.fact, "account-disabled")
    time    = local.time
    subject = local.person
  }

  event "account-enabled" {
    when    = is(local.fact, "account-enabled")
    time    = local.time
    subject = local.person
  }

  event "account-purged" {
    when    = is(local.fact, "account-purged")
    time    = local.time
    subject = local.person
  }

  event "account-credential-change-required" {
    when    = is(local.fact, "credential-change-required")
    time    = local.time
    subject = local.person
  }

  event "credential-change" {
    when    = is(local.fact, "password", "factor")
    time    = local.time
    subject = local.person
    body = {
      credential_type   = is(local.fact, "password") ? "password" : local.factor
      change_type       = enum("change", local.type)
      initiating_entity = local.entity
      reason_admin      = coalesce(raw.outcome.reason, raw.displayMessage)
    }
  }

  event "alert" {
    when = local.alert
    time = local.time
    # The actor of a detected threat is an address.
    subject = local.threat ? null : complex({ user = local.person, session = local.reuse ? null : opaque(local.own_session) })
    body = {
      alert_id = coalesce(raw.uuid, "${local.type}:${raw.published}")
      severity = local.threat ? coalesce(
        is(local.threats, "HIGH") ? "high" : null,
        is(local.threats, "MEDIUM") ? "medium" : null,
        is(local.threats, "LOW") ? "low" : null,
        "unknown",
      ) : "high"
      confidence  = local.reported ? "medium" : null
      state       = "new"
      disposition = coalesce(local.phishing ? "blocked" : null, is(raw.outcome.result, "DENY", "FAILURE") ? "blocked" : null, is(raw.outcome.result, "ALLOW") ? "allowed" : null, "detected_only")
      title       = raw.displayMessage
      reason      = raw.outcome.reason
      rule_name   = local.reported ? local.data.suspiciousActivityEventType : null
      concepts = [
        local.reported ? "user-risk" : null,
        local.reuse ? "session-risk" : null,
        local.phishing ? "phishing" : null,
        bool(raw.securityContext.isProxy) ? "anonymizer" : null,
      ]
    }
    ecs = { "alert.source" = "okta.log" }
  }

  # Received: evidence for people, nothing that rules could act on.
  event "activity" {
    when = local.relayed
    time = local.time
    body = {
      action      = local.provider ? "provider-risk-reported" : "security-event-received"
      outcome     = coalesce(local.outcome, "unknown")
      application = coalesce(local.received.issuer, local.risk.issuer, raw.actor.displayName)
      target      = first([for name in keys(local.received) : name if contains(name, "/event-type/")])
    }
    ecs = { "session.id" = null }
  }

  event "activity" {
    when    = !local.alert && !local.relayed && (is(local.fact, "none") || is(local.fact, "session-established"))
    time    = local.time
    subject = complex({ user = local.person, device = is(local.type, "device.signals.status.timeout") ? opaque(coalesce(raw.device.id, raw.actor.id)) : null })
    body = {
      action = coalesce(
        is(local.type, "user.session.start") ? "sign-in" : null,
        is(local.type, "user.session.end") ? "sign-out" : null,
        is(local.type, "user.authentication.sso") ? "single-sign-on" : null,
        is(local.type, "user.authentication.auth_via_mfa") ? "mfa-challenge" : null,
        is(local.type, "user.account.privilege.grant", "group.privilege.grant", "iam.resourceset.bindings.add") ? "role-assigned" : null,
        is(local.type, "user.account.privilege.revoke", "group.privilege.revoke", "iam.resourceset.bindings.delete") ? "role-removed" : null,
        is(local.type, "user.session.impersonation.initiate") ? "impersonation" : null,
        is(local.type, "user.account.lock", "user.account.lock.limit") ? "account-locked" : null,
        is(local.type, "user.account.unlock", "user.account.unlock_by_admin", "user.account.unlock_token") ? "account-unlocked" : null,
        is(local.type, "user.mfa.factor.reset_all") ? "mfa-reset" : null,
        is(local.type, "analytics.feedback.provide") ? "risk-feedback" : null,
        local.type,
      )
      outcome     = coalesce(local.outcome, "unknown")
      source_ip   = ip(raw.client.ipAddress)
      country     = upper(regex("^[A-Za-z]{2}$", raw.client.geographicalContext.country))
      user_agent  = raw.client.userAgent.rawUserAgent
      application = local.app.displayName
      target = coalesce(
        is(local.type, "analytics.feedback.provide") ? "${local.data.label}:${local.data.eventUuid}" : null,
        local.action,
        local.data.privilegeGranted,
      )
      amr = local.outcome == "success" ? list(local.data.factor) : null
      concepts = [
        local.done && starts_with(local.type, "user.account.lock") ? "account-locked" : null,
        local.done && is(local.type, "user.account.privilege.grant", "group.privilege.grant", "iam.resourceset.bindings.add", "user.session.impersonation.initiate") ? "privileged-change" : null,
        local.done && starts_with(local.type, "user.mfa.factor.") ? "mfa-change" : null,
        local.done && starts_with(local.type, "user.mfa.factor.") ? "credential-change" : null,
        is(local.type, "user.risk.detect", "user.risk.change") ? "user-risk" : null,
        starts_with(local.type, "user.session.context.change", "policy.auth_reevaluate.fail", "policy.continuous_access.") ? "session-risk" : null,
        is(local.type, "device.signals.status.timeout") ? "device-compliance" : null,
        is(local.type, "analytics.feedback.provide") ? "admin-feedback" : null,
        is(local.type, "user.session.start") && is(local.behaviors, "Velocity") ? "impossible-travel" : null,
        bool(raw.securityContext.isProxy) ? "anonymizer" : null,
      ]
    }
  }

  ecs = {
    "event.code"     = local.type
    "event.provider" = "System Log"
    "event.outcome"  = coalesce(local.outcome, "unknown")
    "event.reason"   = coalesce(raw.outcome.reason, local.risk.reasons, raw.displayMessage)
    "log.level"      = raw.severity
    "transaction.id" = raw.transaction.id
    "organization.id" = regex("^https://([^/]+)", envelope.source)
    "session.id"     = local.session
    "user.id"        = local.user_id
    "user.name"      = coalesce(local.login, local.user_id)
    "user.email"     = address(local.login)
    "user.domain"    = account(local.login).domain
    "user.full_name" = clean(local.user.displayName, "unknown")
    "group.name"     = [for t in list(raw.target) : t.displayName if is(t.type, "UserGroup")]
    "service.target.id"   = local.app.id
    "service.target.name" = local.app.displayName
    "rule.id"      = coalesce(local.rule.id, local.policy.id)
    "rule.name"    = list(coalesce(local.rule.displayName, local.policy.displayName))
    "rule.ruleset" = local.policy.displayName
    "source.ip"    = ip(raw.client.ipAddress)
    # Where a proxy stands in front, the first public address was the client's.
    "client.ip"    = first([for hop in list(raw.request.ipChain) : public_ip(hop.ip)])
    "source.domain"           = clean(raw.securityContext.domain, ".")
    "source.as.number"        = raw.securityContext.asNumber
    "source.as.organization.name" = coalesce(raw.securityContext.asOrg, raw.securityContext.isp)
    "source.geo.city_name"    = raw.client.geographicalContext.city
    "source.geo.region_name"  = raw.client.geographicalContext.state
    "source.geo.country_name" = regex("^.{3,}$", raw.client.geographicalContext.country)
    "source.geo.country_iso_code" = upper(regex("^[A-Za-z]{2}$", raw.client.geographicalContext.country))
    "user_agent.original"     = raw.client.userAgent.rawUserAgent
    "user_agent.name"         = clean(raw.client.userAgent.browser, "unknown")
    "user_agent.os.name"      = clean(raw.client.userAgent.os, "unknown")
    "user_agent.device.name"  = clean(raw.client.device, "unknown")
    "device.id"        = coalesce(raw.device.id, is(local.type, "device.signals.status.timeout") ? raw.actor.id : null)
    "host.name"        = lower(raw.device.name)
    "host.os.platform" = lower(raw.device.os_platform)
    "host.os.version"  = raw.device.os_version
    "related.user" = list(local.by_user ? clean(raw.actor.alternateId, "unknown") : null, local.by_user ? clean(raw.actor.id, "unknown") : null, [for t in list(raw.target) : clean(t.alternateId, "unknown") if is(t.type, "User", "AppUser")])
    "related.ip"   = ips(raw.request.ipChain[*].ip, is(raw.actor.type, "IP address") ? raw.actor.id : null)
    vendor = {
      legacy_type  = raw.legacyEventType
      outcome      = raw.outcome.result
      actor        = local.himself ? null : { id = raw.actor.id, type = raw.actor.type, login = clean(raw.actor.alternateId, "unknown"), name = clean(raw.actor.displayName, "unknown"), session = local.actors_session }
      root_session = clean(raw.authenticationContext.rootSessionId, "unknown")
      zone         = clean(raw.client.zone)
      risk         = local.risk
      level        = local.level
      factor       = starts_with(local.type, "user.mfa.factor.") ? local.factor : null
      behaviors    = local.behaviors
      threats      = coalesce(local.detections, local.data.threatDetections)
      suspected    = bool(local.data.threatSuspected)
      report       = coalesce(local.received, local.data.partnerRiskReportData)
      policy_action = local.action
      feedback     = local.data.label
      about        = local.data.eventUuid
      grant        = local.data.privilegeGranted
      trace_id     = local.data.traceId
      device       = { managed = raw.device.managed, registered = raw.device.registered, integrator = raw.device.device_integrator }
    }
  }
}
