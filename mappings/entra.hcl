# Microsoft Entra ID: risk detections, risky users, sign-ins and audit logs, in
# the envelope of diagnostic settings or as Microsoft Graph gives them.
#
# A detection is an alert; what a user's risk is now is told by risky users
# alone, as risk-level-change. Of the audit log only facts become events, and
# only if they came about. The user of an event is the one it befell; who did it
# to them is vendor.actor.
mapping "entra" {
  title    = "Microsoft Entra ID risk, sign-ins and audit"
  vendor   = "microsoft"
  observer = { vendor = "Microsoft", product = "Entra ID", type = "idp" }
  unwrap   = ["records", "value", "properties"]
  when     = has(local.kind) || local.other

  enum "severity" {
    informational = ["none"]
    low           = ["low"]
    medium        = ["medium"]
    high          = ["high"]
    unknown       = ["hidden", "unknown", "unknownFutureValue"] # hidden: no licence to see it
  }
  enum "level" {
    LOW     = ["low"]
    MEDIUM  = ["medium"]
    HIGH    = ["high"]
    unknown = ["none", "hidden", "unknown", "unknownFutureValue"]
  }
  enum "state" {
    new         = ["atRisk"]
    in_progress = ["confirmedCompromised"]
    resolved    = ["remediated"]
    dismissed   = ["dismissed", "confirmedSafe"]
    unknown     = ["none", "unknown", "unknownFutureValue"]
  }

  locals {
    category = coalesce(envelope.category, raw.category)
    kind = coalesce(
      is(local.category, "UserRiskEvents", "ServicePrincipalRiskEvents", "AgentRiskEvents") || has(raw.riskEventType) ? "detection" : null,
      is(local.category, "RiskyUsers", "RiskyServicePrincipals", "RiskyAgents") || has(raw.riskLastUpdatedDateTime) || has(raw.riskLastModifiedDateTime) ? "risky" : null,
      is(local.category, "AuditLogs") || has(raw.activityDisplayName) ? "audit" : null,
      ends_with(local.category, "SignInLogs") || has(raw.status.errorCode) ? "sign-in" : null,
    )
    other = is(local.category, "ProvisioningLogs", "MicrosoftGraphActivityLogs", "EnrichedOffice365AuditLogs", "NetworkAccessTrafficLogs", "RemoteNetworkHealthLogs", "B2CRequestLogs", "MicrosoftServicePrincipalSignInLogs")
    tenant = clean(coalesce(envelope.tenantId, raw.tenantId, raw.resourceTenantId, regex("(?i)^/tenants/([^/]+)", envelope.resourceId)), "00000000-0000-0000-0000-000000000000")
    issuer = "https://login.microsoftonline.com/${local.tenant}/v2.0"

    # Who: a user, or the identity of a workload or agent; some agents have a user's.
    as_user  = is(raw.identityType, "user", "agentUser")
    no_user  = is(local.category, "RiskyServicePrincipals", "RiskyAgents") || has(raw.servicePrincipalId) || has(raw.appId) || has(raw.servicePrincipalType) || has(raw.identityType) || has(raw.agentDisplayName)
    actor    = raw.initiatedBy.user
    targets  = list(raw.targetResources)
    activity = coalesce(raw.activityDisplayName, envelope.operationName)
    reported = is(local.activity, "Suspicious activity reported", "Fraud reported - no action taken", "Fraud reported - user is blocked for MFA")
    added    = is(local.activity, "Add FIDO2 security key", "Add Passkey (device-bound)", "Add Passkey (device-bound) security key", "Add Windows Hello for Business credential", "Add passwordless phone sign-in credential", "Add platform credential")
    # What users report, and register on a device, they do for themselves.
    target   = coalesce(first([for t in local.targets : t if is(t.type, "User")]), local.reported || local.added ? local.actor : null)
    user_id  = clean(local.kind == "audit" ? local.target.id : local.kind == "risky" && (local.as_user || !local.no_user) ? raw.id : coalesce(raw.userId, local.as_user ? coalesce(raw.identityId, raw.agentId) : null), "00000000-0000-0000-0000-000000000000")
    upn      = coalesce(local.kind == "audit" ? local.target.userPrincipalName : raw.userPrincipalName, regex("^[^@ ]+@[^@ ]+$", local.target.displayName))
    mail     = contains(local.upn, "#EXT#") ? null : local.upn # a guest's is none
    workload = has(local.user_id) ? null : coalesce(raw.servicePrincipalId, raw.identityId, raw.agentId, local.kind == "risky" ? raw.id : null, raw.appId)
    person   = aliases(email(local.mail), iss_sub(local.issuer, local.user_id))
    subject = complex({
      user        = local.person
      application = has(local.person) ? null : iss_sub(local.issuer, local.workload)
      device      = opaque(clean(raw.deviceDetail.deviceId, "00000000-0000-0000-0000-000000000000"))
      session     = opaque(clean(raw.sessionId))
    })

    # Risk.
    type   = coalesce(raw.riskEventType, raw.riskType)
    types  = list(local.type, raw.riskEventTypes_v2, raw.riskEventTypes)
    level  = enum("level", raw.riskLevel)
    closed = is(raw.riskState, "remediated", "dismissed", "confirmedSafe")
    proven = is(raw.riskState, "confirmedCompromised") || is(local.type, "adminConfirmedUserCompromised", "adminConfirmedServicePrincipalCompromised", "adminConfirmedAgentCompromised") && !local.closed
    user_level = coalesce(local.closed ? "LOW" : null, local.proven ? "HIGH" : null, is(local.level, "LOW", "MEDIUM", "HIGH") ? local.level : null)
    # A password spray is a detection only once a password was found to be right.
    leaked = is(local.types, "leakedCredentials", "passwordSpray")
    info   = list(coalesce(json(raw.additionalInfo), raw.additionalInfo))
    by = coalesce(
      contains(raw.riskDetail, "admin") ? "admin" : null,
      starts_with(raw.riskDetail, "user") ? "user" : null,
      "system",
    )
    risk_concepts = [
      local.leaked || is(local.types, "adminConfirmedUserCompromised") || local.proven ? "credential-compromise" : null,
      is(local.types, "anomalousToken", "tokenIssuerAnomaly", "attackerinTheMiddle", "attemptedPrtAccess", "suspiciousSendingPatterns") ? "session-risk" : null,
      is(local.types, "attackerinTheMiddle", "authenticatorPhishing") ? "phishing" : null,
      is(local.types, "impossibleTravel", "mcasImpossibleTravel", "unlikelyTravel") ? "impossible-travel" : null,
      is(local.types, "anonymizedIPAddress", "riskyIPAddress") ? "anonymizer" : null,
      is(local.types, "malwareInfectedIPAddress") ? "malware" : null,
      is(local.types, "suspiciousAPITraffic", "anomalousUserActivity") ? "privileged-change" : null,
    ]

    # Sign-ins.
    code    = text(coalesce(raw.status.errorCode, envelope.resultType))
    # What asks for one more step is no failure.
    asked   = is(local.code, "16000", "16001", "16003", "50055", "50058", "50072", "50074", "50076", "50079", "50097", "50125", "50127", "50129", "50140", "50158", "50199", "50203", "51006", "65001")
    place   = coalesce(raw.location.countryOrRegion, envelope.location, raw.location)

    # Audit.
    done     = is(coalesce(raw.result, envelope.resultSignature, "success"), "success", "none", "0")
    himself  = has(local.actor) && (is(local.actor.id, local.user_id) || is(local.actor.userPrincipalName, local.upn))
    entity   = local.himself ? "user" : has(local.actor.id) || has(local.actor.userPrincipalName) ? "admin" : "system"
    device   = first([for t in local.targets : t if is(t.type, "Device")])
    details  = list(raw.additionalDetails)
    modified = list(local.device.modifiedProperties)
    changed  = [for p in local.modified : { was = bool(first(json(p.oldValue))), now = bool(first(json(p.newValue))), name = p.displayName } if is(p.displayName, "IsCompliant", "IsManaged")]
    compliance = coalesce(
      is(local.activity, "Device no longer compliant") ? { was = true, now = false } : null,
      first([for c in local.changed : c if is(c.name, "IsCompliant") && has(c.was) && has(c.now) && c.was != c.now]),
    )
    stated    = first([for c in local.changed : c if is(c.name, "IsCompliant") && !has(c.was) && has(c.now)]) # for the first time
    unmanaged = is(local.activity, "Device no longer managed") || has([for c in local.changed : c if is(c.name, "IsManaged") && c.was && c.now == false])
    device_id = clean(coalesce(raw.deviceDetail.deviceId, first([for d in local.details : d.value if is(d.key, "DeviceId", "Device Id")])), "00000000-0000-0000-0000-000000000000")
    device_subject = aliases(opaque(local.device_id), opaque(local.device.id))
    method = coalesce(raw.resultReason, raw.resultDescription)
    info_change = coalesce(
      local.added || is(local.activity, "User registered security info", "Admin registered security info") ? "create" : null,
      is(local.activity, "User deleted security info", "Admin deleted security info", "Delete FIDO2 security key(s)", "Delete Windows Hello for Business credential", "Delete passwordless phone sign-in credential", "Delete platform credential") ? "delete" : null,
      is(local.activity, "User changed default security info", "User updated security info", "User changed security info", "Admin updated security info") ? "update" : null,
    )
    means = contains(local.activity, "security info") ? local.method : has(local.info_change) ? local.activity : null
    credential = coalesce(
      has(local.means) ? null : contains(local.activity, "password") ? "password" : null,
      contains(local.means, "windows hello") ? "fido2-platform" : null,
      contains(local.means, "fido", "passkey", "security key") ? "fido2-roaming" : null,
      contains(local.means, "authenticator", "software oath", "softwareoath", "app ", "passwordless phone") ? "app" : null,
      contains(local.means, "sms", "text") ? "phone-sms" : null,
      contains(local.means, "phone", "call", "voice") ? "phone-voice" : null,
      contains(local.means, "certificate") ? "x509" : null,
    )
    role = first([for t in local.targets : t if is(t.type, "Role")])
    role_properties = list(local.target.modifiedProperties)
    fact = local.kind != "audit" ? null : coalesce(
      !local.done ? "none" : null,
      has(local.compliance) && has(local.device_subject) ? "compliance" : null,
      local.unmanaged && has(local.device_subject) ? "unmanaged" : null,
      has(local.stated) && has(local.device_subject) ? "stated" : null,
      starts_with(local.activity, "Add member to role", "Add eligible member to role", "Add scoped member to role", "Add role assignment to role definition", "Add EligibleRoleAssignment to RoleDefinition", "Remove member from role", "Remove eligible member from role", "Remove scoped member from role", "Remove role assignment from role definition", "Remove EligibleRoleAssignment from RoleDefinition") && !contains(local.activity, "requested", "denied", "canceled", "expired", "failed") ? "role" : null,
      !has(local.person) ? "none" : null,
      local.reported ? "reported" : null,
      is(local.activity, "Update StsRefreshTokenValidFrom Timestamp", "Revoke user sessions", "Revoke sign-in sessions") ? "session-revoked" : null,
      is(local.activity, "Disable account", "Delete user") ? "account-disabled" : null, # a deleted user can be restored
      is(local.activity, "Enable account", "Restore user") ? "account-enabled" : null,
      is(local.activity, "Hard Delete user") ? "account-purged" : null,
      is(local.activity, "Reset user password", "Reset password", "Change user password", "Reset password (by admin)", "Reset password (self-service)", "Change password (self-service)") ? "credential-change" : null,
      is(local.activity, "Set force change user password") ? "change-required" : null,
      is(local.activity, "Disable Strong Authentication", "Enable Strong Authentication") ? "security-info" : null,
      has(local.info_change) ? (has(local.credential) ? "credential-change" : "security-info") : null,
      "none",
    )
  }

  skip "a log that holds no signals" {
    when = local.other
  }
  skip "an audit record that failed or is no signal" {
    when = is(local.fact, "none")
  }
  skip "no risk is stated" {
    when = is(local.kind, "detection", "risky") && !local.closed && !local.proven && !has(clean(raw.riskLevel, "none")) && (has(raw.riskLevel) || !is(raw.riskState, "atRisk")) && is(coalesce(raw.riskState, "none"), "none", "atRisk") && (is(local.kind, "risky") || is(raw.riskDetail, "aiConfirmedSigninSafe"))
  }

  # Detections, and users or workloads whose level cannot be told.
  event "alert" {
    when    = local.kind == "detection" || local.kind == "risky" && (!has(local.user_level) || !has(local.person))
    time    = local.kind == "detection" ? time(raw.activityDateTime, raw.detectedDateTime, raw.lastUpdatedDateTime, envelope.time) : time(raw.riskLastUpdatedDateTime, raw.riskLastModifiedDateTime, envelope.time)
    subject = local.subject
    body = {
      alert_id = coalesce(raw.id, raw.requestId, envelope.correlationId)
      severity = local.proven ? "high" : coalesce(enum("severity", raw.riskLevel), "unknown")
      state    = enum("state", raw.riskState)
      verdict = coalesce(
        local.proven ? "true_positive" : null,
        is(raw.riskState, "confirmedSafe") ? "false_positive" : null,
        is(raw.riskState, "dismissed") ? "benign_positive" : null,
      )
      title      = coalesce(local.type, local.kind == "detection" ? "risk detection" : has(local.person) ? "risky user" : "risky workload")
      reason     = join(", ", list(local.type, clean(raw.riskState, "none"), clean(raw.riskDetail, "none"), raw.activity))
      rule_name  = local.type
      techniques = techniques([for x in local.info : x.Value if contains(x.Key, "mitre")])
      url        = first([for x in local.info : x.Value if is(x.Key, "alertUrl")])
      concepts   = list(has(local.person) ? "user-risk" : null, local.risk_concepts)
    }
    ecs = {
      "event.created"       = time(raw.detectedDateTime)
      "user_agent.original" = first([for x in local.info : x.Value if is(x.Key, "userAgent")])
    }
  }

  # A request to approve a sign-in that the user did not make.
  event "alert" {
    when    = is(local.fact, "reported")
    time    = time(raw.activityDateTime, envelope.time)
    subject = complex({ user = local.person })
    body = {
      alert_id   = coalesce(raw.id, envelope.correlationId)
      severity   = "high"
      confidence = "medium"
      state      = "new"
      title      = local.activity
      reason     = local.method
      concepts   = ["user-risk"]
    }
  }

  # What the user's risk is now. A risk that is over is low.
  event "risk-level-change" {
    when    = local.kind == "risky" && has(local.user_level) && has(local.person)
    time    = time(raw.riskLastUpdatedDateTime, raw.riskLastModifiedDateTime, envelope.time)
    subject = complex({ user = local.person })
    body = {
      principal         = "USER"
      current_level     = local.user_level
      risk_reason       = join(", ", list(clean(raw.riskState, "none"), clean(raw.riskDetail, "none")))
      initiating_entity = local.by
    }
  }

  event "credential-compromise" {
    when    = is(local.kind, "detection", "risky") && has(local.person) && !local.closed && (local.proven || local.leaked)
    time    = time(raw.activityDateTime, raw.detectedDateTime, raw.riskLastUpdatedDateTime, envelope.time)
    subject = local.person
    body    = { credential_type = "password", reason_admin = join(", ", list(local.type, clean(raw.riskState, "none"), clean(raw.riskDetail, "none"))) }
  }

  event "activity" {
    when    = local.kind == "sign-in"
    time    = time(raw.createdDateTime, envelope.time)
    subject = local.subject
    body = {
      action      = "sign-in"
      outcome     = local.code == null || local.asked ? "unknown" : is(local.code, "0") ? "success" : "failure"
      source_ip   = ip(coalesce(raw.ipAddress, envelope.callerIpAddress))
      country     = upper(regex("^[A-Za-z]{2}$", local.place))
      user_agent  = raw.userAgent
      application = coalesce(raw.appDisplayName, raw.servicePrincipalName, raw.resourceDisplayName)
      target      = raw.resourceDisplayName
      amr         = distinct([for d in list(raw.authenticationDetails) : d.authenticationMethod if bool(d.succeeded)])
      concepts = distinct(
        is(raw.riskLevelDuringSignIn, "medium", "high") && is(raw.riskState, "atRisk", "confirmedCompromised") && !is(raw.riskDetail, "aiConfirmedSigninSafe", "adminConfirmedSigninSafe") ? list("session-risk", local.risk_concepts) : null,
        is(local.code, "50053") ? "account-locked" : null,
        is(local.code, "53000", "53001") ? "device-compliance" : null,
      )
    }
    ecs = {
      "event.reason"           = clean(raw.status.failureReason, "Other.")
      "event.code"             = local.code
    }
  }

  event "session-revoked" {
    when    = is(local.fact, "session-revoked")
    time    = time(raw.activityDateTime, envelope.time)
    subject = complex({ user = local.person })
    body    = { initiating_entity = local.entity, reason_admin = local.activity }
  }
  event "account-disabled" {
    when    = is(local.fact, "account-disabled")
    time    = time(raw.activityDateTime, envelope.time)
    subject = local.person
  }
  event "account-enabled" {
    when    = is(local.fact, "account-enabled")
    time    = time(raw.activityDateTime, envelope.time)
    subject = local.person
  }
  event "account-purged" {
    when    = is(local.fact, "account-purged")
    time    = time(raw.activityDateTime, envelope.time)
    subject = local.person
  }
  event "account-credential-change-required" {
    when    = is(local.fact, "change-required")
    time    = time(raw.activityDateTime, envelope.time)
    subject = local.person
  }
  event "credential-change" {
    when    = is(local.fact, "credential-change")
    time    = time(raw.activityDateTime, envelope.time)
    subject = local.person
    body = {
      credential_type   = local.credential
      change_type       = coalesce(local.info_change, "update")
      initiating_entity = local.entity
      friendly_name     = has(local.info_change) ? local.method : null
      reason_admin      = local.activity
    }
  }
  event "device-compliance-change" {
    when    = is(local.fact, "compliance")
    time    = time(raw.activityDateTime, envelope.time)
    subject = complex({ device = local.device_subject })
    body = {
      previous_status   = local.compliance.was ? "compliant" : "not-compliant"
      current_status    = local.compliance.now ? "compliant" : "not-compliant"
      initiating_entity = local.entity == "system" ? "policy" : local.entity
      reason_admin      = local.activity
    }
  }
  event "posture" {
    when    = is(local.fact, "unmanaged", "stated")
    time    = time(raw.activityDateTime, envelope.time)
    subject = complex({ device = local.device_subject })
    body = {
      status   = is(local.fact, "unmanaged") ? "unknown" : local.stated.now ? "compliant" : "not-compliant"
      managed  = is(local.fact, "unmanaged") ? false : null
      concepts = is(local.fact, "unmanaged") ? ["device-unmanaged"] : ["device-compliance"]
    }
  }
  event "activity" {
    when    = is(local.fact, "role", "security-info")
    time    = time(raw.activityDateTime, envelope.time)
    subject = complex({ user = local.person, application = has(local.person) ? null : opaque(first([for t in local.targets : t.id if is(t.type, "ServicePrincipal")])) })
    body = {
      action    = is(local.fact, "role") ? (starts_with(local.activity, "Remove") ? "role-removed" : "role-assigned") : kebab(local.activity)
      outcome   = "success"
      source_ip = ip(coalesce(local.actor.ipAddress, envelope.callerIpAddress))
      target    = coalesce(local.role.displayName, first([for p in local.role_properties : coalesce(json(p.newValue), json(p.oldValue)) if is(p.displayName, "Role.DisplayName")]))
      concepts  = is(local.fact, "security-info") ? ["credential-change", "mfa-change"] : starts_with(local.activity, "Remove") ? null : ["privileged-change"]
    }
    ecs = { "event.reason" = local.method }
  }

  ecs = {
    "alert.source"     = "microsoft.entra.${coalesce(local.category, local.kind)}"
    "alert.updated"    = time(raw.lastUpdatedDateTime, raw.lastModifiedDateTime, raw.riskLastUpdatedDateTime, raw.riskLastModifiedDateTime)
    "event.code"       = coalesce(local.type, local.activity)
    "event.provider"   = coalesce(raw.loggedByService, raw.source, "Microsoft Entra ID")
    "organization.id"  = local.tenant
    "cloud.account.id" = local.tenant
    "transaction.id"   = coalesce(raw.correlationId, envelope.correlationId)
    "user.id"          = local.user_id
    "user.name"        = coalesce(local.upn, local.user_id)
    "user.email"       = address(local.mail)
    "user.domain"      = account(local.mail).domain
    "user.full_name"   = coalesce(raw.userDisplayName, local.target.displayName)
    "service.target.name" = coalesce(raw.appDisplayName, raw.servicePrincipalName, raw.servicePrincipalDisplayName, raw.agentDisplayName)
    "service.target.id"   = raw.appId
    "source.ip"           = ip(coalesce(raw.ipAddress, local.actor.ipAddress, envelope.callerIpAddress))
    "source.as.number"    = raw.autonomousSystemNumber
    "source.geo.city_name"        = clean(raw.location.city)
    "source.geo.region_name"      = clean(raw.location.state)
    "source.geo.country_iso_code" = upper(regex("^[A-Za-z]{2}$", local.place))
    "user_agent.original"     = raw.userAgent
    "user_agent.name"         = raw.deviceDetail.browser
    "user_agent.os.name"      = raw.deviceDetail.operatingSystem
    "device.id"               = coalesce(local.device_id, local.device.id)
    "host.name"               = lower(coalesce(raw.deviceDetail.displayName, local.device.displayName))
    "session.id"              = clean(raw.sessionId)
    "related.user"            = list(local.user_id, local.upn, local.actor.id, local.actor.userPrincipalName)
    "related.hosts"           = list(local.device.id)
    vendor = {
      actor              = local.kind != "audit" || local.himself ? null : { id = local.actor.id, login = local.actor.userPrincipalName, app = raw.initiatedBy.app.displayName, app_id = coalesce(raw.initiatedBy.app.appId, raw.initiatedBy.app.servicePrincipalId) }
      risk_level         = coalesce(raw.riskLevel, raw.riskLevelDuringSignIn)
      risk_level_user    = raw.riskLevelAggregated
      risk_state         = clean(raw.riskState, "none")
      risk_detail        = clean(raw.riskDetail, "none")
      risk_reasons       = first([for x in local.info : x.Value if is(x.Key, "riskReasons")])
      risk_types         = local.kind == "sign-in" ? distinct(local.types) : null
      detection_timing   = raw.detectionTimingType
      sign_in_id         = local.kind == "sign-in" ? raw.id : raw.requestId
      token_id           = raw.uniqueTokenIdentifier
      conditional_access = raw.conditionalAccessStatus
      policies           = [for p in list(raw.appliedConditionalAccessPolicies) : p.displayName if is(p.result, "failure")]
      client_app         = raw.clientAppUsed
      protocol           = clean(raw.authenticationProtocol, "none")
      interactive        = raw.isInteractive
      compliant          = raw.deviceDetail.isCompliant
      managed            = raw.deviceDetail.isManaged
      trust_type         = raw.deviceDetail.trustType
      user_type          = raw.userType
    }
  }
}
