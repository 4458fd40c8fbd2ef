# Microsoft Intune: operational, compliance, device and audit logs in the
# envelope of diagnostic settings, and managedDevice of Microsoft Graph.
#
# The alert that a managed device is not compliant is raised when it ceases to
# be, so it is a change. Reports and inventories tell how things are: posture,
# from which the product finds changes itself. What is for people (…_loc) is
# not looked at.
mapping "intune" {
  title    = "Microsoft Intune compliance, inventory and audit"
  vendor   = "microsoft"
  observer = { vendor = "Microsoft", product = "Intune", type = "mdm" }
  unwrap   = ["records", "value", "properties"]
  when     = has(local.kind)

  # In its grace period a device is not compliant yet; conflicts, errors and what
  # the configuration manager decides say neither.
  enum "status" {
    compliant     = ["compliant", "1"]
    not-compliant = ["noncompliant", "non-compliant", "not compliant", "2"]
    unknown       = ["unknown", "0", "conflict", "3", "error", "4", "inGracePeriod", "in grace period", "in-grace period", "254", "configManager", "config manager", "255", "not evaluated"]
  }
  enum "threat" {
    LOW     = ["secured", "secure", "lowSeverity", "low"]
    MEDIUM  = ["mediumSeverity", "medium"]
    HIGH    = ["highSeverity", "high", "compromised"]
    unknown = ["unknown", "activated", "deactivated", "unresponsive", "misconfigured", "unavailable", "notSetUp", "none"]
  }
  enum "sensor" { # of the partner that watches for threats
    healthy  = ["activated", "secured", "lowSeverity", "mediumSeverity", "highSeverity", "compromised", "secure", "low", "medium", "high"]
    degraded = ["misconfigured", "deactivated"]
    offline  = ["unresponsive"]
    unknown  = ["unknown", "unavailable", "notSetUp", "none"]
  }

  locals {
    zero     = "00000000-0000-0000-0000-000000000000"
    category = coalesce(envelope.category, raw.category)
    verb     = coalesce(envelope.operationName, raw.operationName, raw.activityType)
    kind = coalesce(
      has(raw.AlertType) || is(local.category, "OperationalLogs") && is(local.verb, "Compliance") ? "compliance" : null,
      has(raw.EnrollmentType) || is(local.category, "OperationalLogs") && is(local.verb, "Enrollment") ? "enrollment" : null,
      is(local.category, "OperationalLogs") ? "operational" : null,
      is(local.category, "AuditLogs") || has(raw.AuditEventId) ? "audit" : null,
      is(local.category, "DeviceComplianceOrg") ? "report" : null,
      is(local.category, "Devices") || has(raw.CompliantState) ? "inventory" : null,
      has(raw.complianceState) ? (has(raw.id) ? "managedDevice" : "report") : null,
    )
    held   = is(local.kind, "report", "inventory", "managedDevice")
    tenant = clean(coalesce(raw.AADTenantId, envelope.tenantId, raw.tenantId), local.zero)
    issuer = "https://login.microsoftonline.com/${local.tenant}/v2.0"

    # Intune and Entra number devices each their own way.
    id     = clean(coalesce(raw.IntuneDeviceId, raw.DeviceId, local.kind == "managedDevice" ? raw.id : null), local.zero)
    aad_id = clean(coalesce(raw.azureADDeviceId, raw.AADDeviceId, local.kind == "inventory" ? raw.ReferenceId : null), local.zero)
    device = aliases(opaque(local.id), opaque(local.aad_id))
    host   = lower(first(coalesce(raw.DeviceHostName, raw.DeviceNetBiosName, raw.deviceName)))

    upn     = coalesce(raw.UPN, raw.userPrincipalName, "${clean(raw.UserName)}@${clean(raw.UPNSuffix)}", raw.UserEmail, raw.emailAddress)
    user_id = local.held ? clean(raw.UserId, local.zero) : null
    mail    = address(coalesce(raw.UserEmail, raw.emailAddress))
    person  = aliases(email(local.upn), is(local.mail, address(local.upn)) ? null : email(local.mail), iss_sub(local.issuer, local.user_id))
    subject = complex({ user = local.person, device = local.device })

    # A failed check as policy.setting||…||setting||expected||actual||uri.
    description = split("||", raw.Description)
    check       = regex("^(?:[^.|]+\\.)*([^.|]+)$", local.description[0])
    policy      = regex("^([^|]+)\\.[^.|]+$", local.description[0])
    stale       = is(local.check, "RequireRemainContact")

    state  = coalesce(raw.CompliantState, raw.complianceState)
    grace  = is(local.state, "254", "inGracePeriod", "in grace period", "in-grace period")
    threat = coalesce(raw.partnerReportedThreatState, raw.DeviceHealthThreatLevel)
    level  = enum("threat", local.threat)
    broken = bool(raw.jailBroken)
    os     = coalesce(raw.operatingSystem, raw.OS, raw.DeviceOperatingSystem)

    # Audit: what was done to devices, and what lets somebody do things on them.
    done     = is(coalesce(envelope.resultType, raw.activityResult, "success"), "success", "none", "0")
    actor    = raw.Actor
    act      = regex("(?i)^(\\w+) ManagedDevice$", local.verb)
    removal  = is(local.act, "wipe", "retire", "delete", "unenroll", "cleanWindowsDevice", "deprovision")
    control  = has(regex("(?i)^(?:create|patch|update|delete|assign) (?:DeviceManagementScript|DeviceShellScript|DeviceHealthScript|DeviceCompliancePolicy|DeviceComplianceScript|RoleAssignment|RoleDefinition|DeviceAndAppManagementRoleAssignment|ConditionalAccessSettings)", local.verb))
    touched  = coalesce([for i, id in raw.TargetObjectIds : { id = clean(id, local.zero), name = clean(raw.TargetDisplayNames[i]) }], [{}])
  }

  skip "an operational record that says nothing of a device's state" {
    when = local.kind == "operational"
  }
  skip "an audit record that failed or is no signal" {
    when = local.kind == "audit" && !(local.done && (has(local.act) || local.control))
  }

  event "device-compliance-change" {
    when    = local.kind == "compliance" && (is(raw.AlertType, "Managed Device Not Compliant") || ends_with(raw.ScenarioName, "DeviceNotInComplianceSecurityAlert"))
    time    = time(raw.StartTimeUtc, envelope.time)
    subject = local.subject
    body = {
      previous_status   = "compliant"
      current_status    = "not-compliant"
      initiating_entity = "policy"
      reason_admin      = coalesce("${local.check}: ${local.description[3]}", local.check, raw.AlertDisplayName)
    }
    ecs = {
      "rule.name"    = list(local.check)
      "rule.ruleset" = local.policy
      "event.reason" = coalesce(local.description[3], raw.Description)
    }
  }

  event "posture" {
    when    = local.held
    time    = time(envelope.time, meta.made, meta.received)
    subject = local.subject
    body = {
      status     = coalesce(enum("status", local.state), "unknown")
      managed    = true
      encrypted  = coalesce(bool(coalesce(raw.isEncrypted, raw.EncryptionStatusString)), is(raw.EncryptionStatusString, "encrypted") ? true : null, is(raw.EncryptionStatusString, "not encrypted", "notEncrypted") ? false : null)
      jailbroken = local.broken
      sensor     = enum("sensor", local.threat)
      os_name    = local.os
      os_version = raw.osVersion
      last_seen  = epoch(coalesce(raw.lastSyncDateTime, raw.LastContact))
      concepts = [
        "device-compliance",
        local.broken || is(local.level, "HIGH") ? "device-risk" : null,
      ]
    }
    ecs = { "host.risk.static_level" = { HIGH = "High", MEDIUM = "Moderate", LOW = "Low" }[local.level] }
  }

  # What a partner that watches for threats says of the device.
  event "risk-level-change" {
    when    = local.held && is(local.level, "LOW", "MEDIUM", "HIGH") && has(local.device)
    time    = time(envelope.time, meta.made, meta.received)
    subject = complex({ device = local.device })
    body    = { principal = "DEVICE", current_level = local.level, risk_reason = "threat level ${local.threat}", initiating_entity = "system" }
  }

  event "activity" {
    when    = local.kind == "enrollment" || local.kind == "compliance" && !is(raw.AlertType, "Managed Device Not Compliant") && !ends_with(raw.ScenarioName, "DeviceNotInComplianceSecurityAlert")
    time    = time(raw.EnrollmentTimeUTC, raw.StartTimeUtc, envelope.time)
    subject = local.subject
    body = {
      action   = local.kind == "enrollment" ? "device-enrolled" : coalesce(kebab(raw.AlertType), "compliance-record")
      outcome  = local.kind != "enrollment" ? "unknown" : is(envelope.resultType, "success") ? "success" : has(raw.FailureReason) || starts_with(envelope.resultType, "fail") ? "failure" : "unknown"
      target   = local.host
      concepts = local.kind == "compliance" ? ["device-compliance"] : null
    }
    ecs = { "event.reason" = coalesce(raw.FailureReason, raw.FailureCategory, raw.AlertDisplayName) }
  }

  # Asked for by an administrator; the device follows when it next reports.
  event "activity" {
    when    = local.kind == "audit" && has(local.act)
    each    = local.touched
    time    = time(raw.ActivityDate, envelope.time)
    subject = complex({ device = opaque(item.id) })
    body = {
      action   = "device-${kebab(local.act)}"
      outcome  = "success"
      target   = coalesce(item.name, item.id)
      concepts = local.removal ? ["device-unmanaged"] : null
    }
    ecs = {
      "device.id" = item.id
      "host.name" = lower(item.name)
      "user.name" = null
    }
  }

  event "activity" {
    when    = local.kind == "audit" && local.control
    time    = time(raw.ActivityDate, envelope.time)
    subject = complex({ user = email(local.actor.UPN) })
    body = {
      action   = kebab(local.verb)
      outcome  = "success"
      target   = coalesce(first([for n in list(raw.TargetDisplayNames) : n if !is(n, "<null>")]), first(raw.TargetObjectIds))
      concepts = ["privileged-change"]
    }
    ecs = {
      "user.name"  = local.actor.UPN
      "user.email" = address(local.actor.UPN)
    }
  }

  ecs = {
    "alert.source"     = "microsoft.intune.${coalesce(local.category, local.kind)}"
    "event.code"       = coalesce(raw.AlertType, local.verb)
    "event.provider"   = "Microsoft Intune"
    "organization.id"  = local.tenant
    "cloud.account.id" = local.tenant
    "device.id"             = coalesce(local.id, local.aad_id)
    "device.serial_number"  = clean(raw.serialNumber, "0", "unknown", "none", "System Serial Number", "To be filled by O.E.M.", "Default string")
    "device.manufacturer"   = raw.manufacturer
    "device.model.name"     = raw.model
    "host.name"             = local.host
    "host.os.full"          = coalesce(raw.DeviceOperatingSystem, raw.OSDescription)
    "host.os.platform"      = lower(regex("^([A-Za-z]+)", local.os))
    "host.mac"              = [mac(raw.wiFiMacAddress), mac(raw.ethernetMacAddress)]
    "user.id"               = local.user_id
    "user.name"             = local.upn
    "user.email"            = coalesce(local.mail, address(local.upn))
    "user.domain"           = account(local.upn).domain
    "user.full_name"        = coalesce(raw.UserDisplayName, raw.UserName)
    "related.hosts"         = list(local.aad_id, local.host, lower(raw.DeviceName), local.kind == "audit" ? raw.TargetObjectIds : null)
    "related.user"          = list(local.actor.UPN, clean(raw.IntuneUserId, local.zero), raw.PrimaryUser)
    vendor = {
      actor            = local.kind == "audit" ? { login = local.actor.UPN, app = coalesce(local.actor.ApplicationName, local.actor.Application) } : null
      compliance       = local.state
      grace            = local.grace ? true : null
      grace_until      = starts_with(raw.InGracePeriodUntil, "9999") ? null : clean(raw.InGracePeriodUntil)
      stale            = local.stale ? true : null
      threat           = local.threat
      aad_device_id    = local.aad_id
      ownership        = clean(coalesce(raw.Ownership, raw.OwnerType, raw.managedDeviceOwnerType), "unknown")
      join_type        = clean(raw.JoinType, "unknown")
      managed_by       = clean(coalesce(raw.ManagedBy, raw.managementAgent), "unknown")
      management_state = coalesce(raw.managementState, raw.DeviceState)
      supervised       = bool(coalesce(raw.isSupervised, raw.SupervisedStatusString))
      enrollment_type  = raw.EnrollmentType
      expected         = local.description[3]
      actual           = local.description[4]
    }
  }
}
