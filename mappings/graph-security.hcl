# Microsoft Graph security alerts (/security/alerts_v2), one by one, as answers
# of the API ({"value": […]}), expanded in incidents, or in an Event Hubs envelope.
# One event for the affected user and device; further victims get their own.
# An incident that comes without its alerts names nobody, and tells how the
# handling of its alerts stands.
mapping "graph-security" {
  title    = "Microsoft Graph security alerts (alerts_v2) and incidents"
  vendor   = "microsoft"
  observer = { vendor = "Microsoft", product = coalesce(raw.productName, "Microsoft Defender XDR"), type = "xdr" }
  unwrap   = ["value", "records", "alerts", "properties"]
  when     = has(raw.id) && (has(raw.evidence) || has(raw.serviceSource) || has(raw.detectionSource) || has(raw.providerAlertId) || has(raw.incidentWebUrl))

  enum "severity" { # there is no critical
    informational = ["informational"]
    low           = ["low"]
    medium        = ["medium"]
    high          = ["high"]
    unknown       = ["unknown", "unknownFutureValue"]
  }
  enum "state" {
    new         = ["new", "newAlert", "active"]
    in_progress = ["inProgress", "awaitingAction"]
    resolved    = ["resolved"]
    dismissed   = ["dismissed"]
    unknown     = ["unknown", "unknownFutureValue"]
  }
  enum "verdict" {
    true_positive   = ["truePositive"]
    false_positive  = ["falsePositive"]
    benign_positive = ["informationalExpectedActivity", "benignPositive"]
    undetermined    = ["unknown", "unknownFutureValue", "undetermined"]
  }

  locals {
    incident = has(raw.incidentWebUrl) && !has(raw.alertWebUrl)
    title    = coalesce(raw.title, raw.displayName)
    tenant = clean(coalesce(raw.tenantId, envelope.tenantId), "00000000-0000-0000-0000-000000000000")
    issuer = "https://login.microsoftonline.com/${local.tenant}/v2.0"

    # What a piece of evidence is: by the last part of its type, as in
    # #microsoft.graph.security.userEvidence, else by what only such have.
    evidence = [for x in list(coalesce(json(raw.evidence), raw.evidence)) : {
      it   = x
      role = list(x.detailedRoles, x.roles)
      kind = after(".", coalesce(
        x["@odata.type"], x.odata_type, x.at_sign_odata_type,
        has(x.imageFile) || has(x.processId) ? "processEvidence" : null,
        has(x.fileDetails) ? "fileEvidence" : null,
        has(x.deviceDnsName) || has(x.mdeDeviceId) ? "deviceEvidence" : null,
        has(x.primaryAddress) ? "mailboxEvidence" : null,
        has(x.userAccount) ? "userEvidence" : null,
        has(x.ipAddress) ? "ipEvidence" : null,
        has(x.url) ? "urlEvidence" : null,
      ))
    }]
    of = { for x in local.evidence : x.kind => x... } # by kind

    # Users and devices, the same in several forms made one. Members that are
    # merged are true or absent, so that what one form tells counts for all.
    users = merge_by([for x in local.evidence : {
      name   = coalesce(x.it.userAccount.accountName, x.it.displayName)
      domain = x.it.userAccount.domainName
      sid    = clean(x.it.userAccount.userSid, "S-1-0-0")
      oid    = clean(x.it.userAccount.azureAdUserId, "00000000-0000-0000-0000-000000000000")
      upn    = coalesce(x.it.userAccount.userPrincipalName, x.it.upn, x.it.primaryAddress)
      full   = coalesce(x.it.userAccount.displayName, x.it.displayName)
      hit    = is(x.role, "compromised", "attacked", "impacted", "victim") ? true : null
      aside  = is(x.role, "attacker", "commandAndControl", "contextual", "destination") ? true : null
    } if is(x.kind, "userEvidence", "mailboxEvidence")], "sid", "oid", "upn")
    devices = merge_by([for x in local.of.deviceEvidence : {
      mde   = clean(x.it.mdeDeviceId)
      aad   = clean(x.it.azureAdDeviceId, "00000000-0000-0000-0000-000000000000")
      dns   = lower(coalesce(x.it.deviceDnsName, x.it.hostName))
      it    = x.it
      hit   = is(x.role, "compromised", "primaryDevice", "attacked", "impacted", "victim") ? true : null
      aside = is(x.role, "attacker", "commandAndControl", "contextual", "destination") ? true : null
    }], "mde", "aad", "dns")

    # The affected by their role; the only one there is, if no role tells; never
    # one of several by chance, and never the attacker's.
    people  = [for u in local.users : u if (u.hit || !u.aside) && !(machine(coalesce(u.name, u.sid)) && !has(u.oid))]
    hosts   = [for d in local.devices : d if d.hit || !d.aside]
    victims = coalesce([for u in local.people : u if u.hit], length(local.people) == 1 ? local.people : null)
    struck  = coalesce([for d in local.hosts : d if d.hit], length(local.hosts) == 1 ? local.hosts : null)
    affected = list(
      { user = local.victims[0], device = local.struck[0] },
      [for i, u in local.victims : { user = u } if i > 0 && i < 50],
      [for i, d in local.struck : { device = d } if i > 0 && i < 50],
    )

    ips       = local.of.ipEvidence[*].it
    files     = local.of.fileEvidence[*].it
    processes = local.of.processEvidence[*].it
    url       = first(local.of.urlEvidence[*].it.url)
    app       = first([for x in local.evidence : x.it.displayName if ends_with(x.kind, "ApplicationEvidence")])
    message   = first(local.of.analyzedMessageEvidence[*].it)
    process   = local.processes[0]
    file      = local.files[0]
    remedies  = local.evidence[*].it.remediationStatus
    techniques = techniques(raw.mitreTechniques)
    category  = lower(replace(raw.category, " ", ""))
    tactic = {
      reconnaissance      = { id = "TA0043", name = "Reconnaissance" }
      resourcedevelopment = { id = "TA0042", name = "Resource Development" }
      initialaccess       = { id = "TA0001", name = "Initial Access" }
      execution           = { id = "TA0002", name = "Execution" }
      persistence         = { id = "TA0003", name = "Persistence" }
      privilegeescalation = { id = "TA0004", name = "Privilege Escalation" }
      defenseevasion      = { id = "TA0005", name = "Defense Evasion" }
      stealth             = { id = "TA0005", name = "Stealth" }
      defenseimpairment   = { id = "TA0112", name = "Defense Impairment" }
      credentialaccess    = { id = "TA0006", name = "Credential Access" }
      discovery           = { id = "TA0007", name = "Discovery" }
      lateralmovement     = { id = "TA0008", name = "Lateral Movement" }
      collection          = { id = "TA0009", name = "Collection" }
      exfiltration        = { id = "TA0010", name = "Exfiltration" }
      commandandcontrol   = { id = "TA0011", name = "Command and Control" }
      impact              = { id = "TA0040", name = "Impact" }
    }[local.category]
    words = list(raw.category, local.title)
  }

  skip "an incident that was merged into another" {
    when = has(raw.redirectIncidentId) || is(raw.status, "redirected")
  }

  event "alert" {
    each = local.affected
    time = time(raw.lastActivityDateTime, local.incident ? raw.lastUpdateDateTime : null, raw.createdDateTime, raw.firstActivityDateTime, raw.lastUpdateDateTime, envelope.time)
    subject = complex({
      user = coalesce(
        aliases(email(item.user.upn), iss_sub(local.issuer, item.user.oid)),
        opaque(item.user.sid),
      )
      device = aliases(opaque(item.device.mde), opaque(item.device.aad))
    })
    body = {
      alert_id = raw.id
      severity = coalesce(enum("severity", raw.severity), "unknown")
      state    = enum("state", raw.status)
      verdict  = enum("verdict", raw.classification)
      disposition = coalesce(
        is(local.remedies, "active", "unremediated", "partiallyRemediated", "declined", "pendingApproval") ? "detected_only" : null,
        is(local.remedies, "prevented", "blocked") || is(local.file.detectionStatus, "prevented", "blocked") ? "blocked" : null,
        is(local.files[*].remediationStatus, "remediated") ? "quarantined" : null,
      )
      title      = local.title
      reason     = coalesce(raw.description, local.title)
      rule_id    = coalesce(raw.detectorId, raw.alertPolicyId)
      rule_name  = local.incident ? null : raw.title
      techniques = local.techniques
      tactics    = tactics(local.tactic.id)
      url        = coalesce(raw.alertWebUrl, raw.incidentWebUrl)
      concepts = [
        has(item.device) ? "device-risk" : null,
        has(item.user) ? "user-risk" : null,
        starts_with(local.techniques, "T1003", "T1555", "T1552", "T1558", "T1539", "T1606") || contains(raw.title, "leaked credential") ? "credential-compromise" : null,
        starts_with(local.techniques, "T1539", "T1550.001", "T1550.004") ? "session-risk" : null,
        starts_with(local.techniques, "T1562", "T1685", "T1686", "T1688", "T1689", "T1690") ? "edr-tamper" : null,
        contains(local.words, "ransom") ? "ransomware" : null,
        contains(local.words, "malware") ? "malware" : null,
        is(local.category, "unwantedsoftware") ? "pua" : null,
        contains(local.words, "phish") || starts_with(local.techniques, "T1566") ? "phishing" : null,
        contains(local.words, "impossible travel", "impossibletravel", "atypical travel") ? "impossible-travel" : null,
        contains(local.words, "anonymous ip", "anonymouslogin") ? "anonymizer" : null,
        is(local.category, "lateralmovement") ? "lateral-movement" : null,
        is(local.category, "exfiltration") ? "exfiltration" : null,
        is(item.device.it.healthStatus, "isolated") || is(item.device.it.containmentStatus, "contained") ? "isolation" : null,
      ]
    }
    ecs = {
      "alert.source"     = "microsoft.graph"
      "alert.case_id"    = coalesce(raw.incidentId, local.incident ? raw.id : null)
      "alert.is_incident" = local.incident ? true : null
      "alert.updated"    = time(raw.lastUpdateDateTime)
      "event.created"    = time(raw.createdDateTime)
      "event.start"      = time(raw.firstActivityDateTime)
      "event.end"        = time(raw.lastActivityDateTime)
      "event.provider"   = raw.serviceSource
      "event.code"       = raw.category
      "organization.id"  = local.tenant
      "cloud.account.id" = local.tenant
      "tags"             = contains(local.words, "eicar", "[test alert]", "[testalert]") ? ["test-event"] : null

      "host.id"                = item.device.mde
      "host.name"              = item.device.dns
      "host.ip"                = ips([for a in list(item.device.it.ipInterfaces, item.device.it.lastIpAddress) : a if !starts_with(a, "127.", "169.254.", "fe80:", "::1")])
      "host.os.platform"       = lower(item.device.it.osPlatform)
      "host.os.version"        = clean(item.device.it.version, "other")
      "host.risk.static_level" = { high = "High", medium = "Moderate", low = "Low" }[lower(item.device.it.riskScore)]
      "device.id"              = coalesce(item.device.mde, item.device.aad)

      "user.id"        = coalesce(item.user.oid, item.user.sid)
      "user.name"      = coalesce(item.user.name, account(item.user.upn).name)
      "user.domain"    = coalesce(item.user.domain, account(item.user.upn).domain)
      "user.email"     = address(item.user.upn)
      "user.full_name" = item.user.full

      "source.ip"                   = ip(local.ips[0].ipAddress)
      "source.geo.country_iso_code" = upper(coalesce(local.ips[0].countryLetterCode, local.ips[0].location.countryCode))
      "url.original"                = local.url
      "service.target.name"         = local.app
      "file.name"                   = local.file.fileDetails.fileName
      "file.path"                   = file_path(local.file.fileDetails.filePath, local.file.fileDetails.fileName)
      "file.size"                   = local.file.fileDetails.fileSize
      "file.hash.md5"               = first(hashes(local.file.fileDetails.md5))
      "file.hash.sha1"              = first(hashes(local.file.fileDetails.sha1))
      "file.hash.sha256"            = first(hashes(local.file.fileDetails.sha256))
      "process.name"                = local.process.imageFile.fileName
      "process.executable"          = file_path(local.process.imageFile.filePath, local.process.imageFile.fileName)
      "process.command_line"        = local.process.processCommandLine
      "process.pid"                 = local.process.processId
      "process.start"               = time(local.process.processCreationDateTime)
      "process.hash.sha1"           = first(hashes(local.process.imageFile.sha1))
      "process.hash.sha256"         = first(hashes(local.process.imageFile.sha256))
      "process.user.name"           = local.process.userAccount.accountName
      "process.parent.name"         = local.process.parentProcessImageFile.fileName
      "process.parent.executable"   = file_path(local.process.parentProcessImageFile.filePath, local.process.parentProcessImageFile.fileName)
      "process.parent.pid"          = local.process.parentProcessId
      "email.subject"               = local.message.subject
      "email.message_id"            = local.message.internetMessageId
      "email.from.address"          = list(local.message.p1Sender.emailAddress, local.message.p2Sender.emailAddress)
      "email.to.address"            = list(local.message.recipientEmailAddress)

      "related.hosts" = list(local.devices[*].mde, local.devices[*].aad, local.devices[*].dns, [for d in local.devices : short_host(d.dns)])
      "related.user" = list(
        local.users[*].oid, local.users[*].sid, local.users[*].upn, local.users[*].name,
        [for d in local.devices : [for u in list(d.it.loggedOnUsers) : u.accountName]],
        local.processes[*].userAccount.userPrincipalName,
      )
      "related.ip"   = ips(local.ips[*].ipAddress, local.message.senderIp, [for d in local.devices : d.it.lastExternalIpAddress])
      "related.hash" = hashes(local.files[*].fileDetails.sha256, local.files[*].fileDetails.sha1, local.processes[*].imageFile.sha256, local.processes[*].imageFile.sha1)

      "threat.tactic.name" = local.tactic.name
      vendor = {
        provider_alert_id   = raw.providerAlertId
        detection_source    = raw.detectionSource
        determination       = clean(raw.determination, "unknown")
        investigation_state = raw.investigationState
        recommended_actions = raw.recommendedActions
        assigned_to         = raw.assignedTo
        actor               = raw.actorDisplayName
        threat              = coalesce(raw.threatDisplayName, raw.threatFamilyName)
        tags                = list(raw.systemTags, raw.customTags)
        aad_device_id       = item.device.aad
        health              = item.device.it.healthStatus
        onboarding          = item.device.it.onboardingStatus
        antivirus           = item.device.it.defenderAvStatus
        remediation         = distinct(local.remedies)
        device_risk         = clean(item.device.it.riskScore, "none")
      }
    }
  }
}
