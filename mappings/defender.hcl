# Microsoft Defender XDR: the tables AlertInfo and AlertEvidence as they are
# streamed to Event Hubs, alerts of the XDR API (alone or in incidents), and
# alerts of the Defender for Endpoint API. Alerts of Microsoft Graph are
# graph-security's.
#
# AlertInfo names nobody, and AlertEvidence comes as one record per entity, in
# any order: each makes an event of the same alert_id, and only evidence of an
# impacted user, mailbox or device has a subject.
mapping "defender" {
  title    = "Microsoft Defender XDR alerts, streamed and of its APIs"
  vendor   = "microsoft"
  observer = { vendor = "Microsoft", product = coalesce(raw.ServiceSource, "Microsoft Defender XDR"), type = "xdr" }
  unwrap   = ["records", "value", "alerts", "properties"]
  when     = has(raw.AlertId) || has(raw.id) && has(raw.machineId) || starts_with(coalesce(envelope.category, raw.category), "AdvancedHunting-")

  enum "severity" { # there is no critical
    informational = ["informational", "unspecified"]
    low           = ["low"]
    medium        = ["medium"]
    high          = ["high"]
    unknown       = ["unknown"]
  }
  enum "state" {
    new         = ["new", "active"]
    in_progress = ["inProgress", "in progress"]
    resolved    = ["resolved"]
    dismissed   = ["dismissed"]
    unknown     = ["unknown"]
  }
  enum "verdict" {
    true_positive   = ["truePositive", "true positive"]
    false_positive  = ["falsePositive", "false positive"]
    benign_positive = ["informationalExpectedActivity", "informational, expected activity", "benignPositive"]
    undetermined    = ["unknown", "undetermined"]
  }

  locals {
    table  = regex("(?i)^AdvancedHunting-(\\w+)", coalesce(envelope.category, raw.category))
    tenant = clean(coalesce(envelope.tenantId, raw.tenantId, raw.aadTenantId), "00000000-0000-0000-0000-000000000000")
    issuer = "https://login.microsoftonline.com/${local.tenant}/v2.0"
    feed   = coalesce(local.table, has(raw.machineId) ? "endpoint" : null, has(raw.EntityType) ? "AlertEvidence" : null, has(raw.entities) || has(raw.devices) ? "xdr" : null, "AlertInfo")

    entities = [for x in list(raw.entities, raw.evidence, has(raw.EntityType) ? raw : null) : {
      kind  = lower(first(x.EntityType))
      hit   = is(x.EvidenceRole, "impacted") ? true : null
      aside = is(x.EvidenceRole, "related") ? true : null
      it   = x
      more = coalesce(json(x.AdditionalFields), x.AdditionalFields)
    }]

    # Users and devices, the same in several forms made one. Members that are
    # merged are true or absent, so that what one form tells counts for all.
    persons = [for x in local.entities : {
      who    = lower("${coalesce(x.it.AccountDomain, x.it.domainName)}\\${coalesce(x.it.AccountName, x.it.userName)}")
      name   = coalesce(x.it.AccountName, x.it.userName, x.more.Name)
      domain = coalesce(x.it.AccountDomain, x.it.domainName, x.more.NTDomain, x.more.UPNSuffix)
      sid    = clean(coalesce(x.it.AccountSid, x.it.userSid, x.more.Sid), "S-1-0-0")
      oid    = clean(coalesce(x.it.AccountObjectId, x.it.aadUserId, x.more.AadUserId), "00000000-0000-0000-0000-000000000000")
      upn    = coalesce(x.it.AccountUpn, x.it.userPrincipalName, x.it.mailboxAddress, x.more.UserPrincipalName, x.more.MailboxPrimaryAddress)
      full   = coalesce(x.it.userDisplayName, x.it.mailboxDisplayName, x.more.DisplayName)
      hit    = x.hit
      aside  = x.aside
    } if is(x.kind, "user", "mailbox")]
    machines = [for x in local.entities : {
      mde  = coalesce(x.it.DeviceId, x.it.mdatpDeviceId)
      aad  = clean(coalesce(x.it.aadDeviceId, x.more.AadDeviceId, json(x.more.MachineEnrichmentInfo).AadDeviceId), "00000000-0000-0000-0000-000000000000")
      dns  = lower(coalesce(x.it.deviceDnsName, x.it.DeviceName, x.more.FQDN, x.more.HostName))
      os   = coalesce(x.it.osPlatform, x.more.OSFamily)
      hit   = x.hit
      aside = x.aside
    } if is(x.kind, "machine", "device")]
    users = merge_by(list(
      # An account that a device's alert is about; what it did is on the device.
      has(raw.relatedUser.userName) ? { who = lower("${raw.relatedUser.domainName}\\${raw.relatedUser.userName}"), name = raw.relatedUser.userName, domain = raw.relatedUser.domainName } : null,
      local.persons,
    ), "sid", "oid", "upn", "who")
    devices = merge_by(list(
      has(raw.machineId) ? { mde = raw.machineId, aad = raw.aadDeviceId, dns = lower(raw.computerDnsName), hit = true } : null,
      [for x in list(raw.devices) : { # on which the alert was raised
        mde    = coalesce(x.mdatpDeviceId, x.deviceId)
        aad    = clean(x.aadDeviceId, "00000000-0000-0000-0000-000000000000")
        dns    = lower(x.deviceDnsName)
        os     = x.osPlatform
        risk   = x.riskScore
        health = x.healthStatus
        onboarding = x.onboardingStatus
        antivirus  = x.defenderAvStatus
        logged = list(x.loggedOnUsers)
        ips    = list(x.lastIpAddress, x.ipInterfaces)
        hit    = true
      }],
      local.machines,
    ), "mde", "aad", "dns")

    # Never one of several by chance: without a role, only the one there is.
    people  = [for u in local.users : u if (u.hit || !u.aside) && !(machine(coalesce(u.name, u.sid)) && !has(u.oid))]
    hosts   = [for d in local.devices : d if d.hit || !d.aside]
    victims = coalesce([for u in local.people : u if u.hit], length(local.people) == 1 ? local.people : null)
    struck  = coalesce([for d in local.hosts : d if d.hit], length(local.hosts) == 1 ? local.hosts : null)
    affected = list(
      { user = local.victims[0], device = local.struck[0] },
      [for i, u in local.victims : { user = u } if i > 0 && i < 50],
      [for i, d in local.struck : { device = d } if i > 0 && i < 50],
    )

    processes = [for x in local.entities : x if x.kind == "process"]
    files     = [for x in local.entities : x if x.kind == "file"]
    process   = local.processes[0]
    file      = local.files[0]
    ips       = ips([for x in local.entities : coalesce(x.it.RemoteIP, x.it.ipAddress, x.more.Address) if x.kind == "ip"])
    mails     = [for x in local.entities : x if x.kind == "mailmessage"]
    mail      = local.mails[0]
    remedies  = list(local.entities[*].it.remediationStatus, local.entities[*].more.LastRemediationState)
    prevented = list(local.remedies, local.files[*].it.detectionStatus)

    categories = list(coalesce(json(raw.Categories), raw.Categories), raw.Category)
    techniques = techniques(raw.AttackTechniques, raw.mitreTechniques)
    tactic_of = {
      reconnaissance      = "TA0043 Reconnaissance"
      resourcedevelopment = "TA0042 Resource Development"
      initialaccess       = "TA0001 Initial Access"
      execution           = "TA0002 Execution"
      persistence         = "TA0003 Persistence"
      privilegeescalation = "TA0004 Privilege Escalation"
      defenseevasion      = "TA0005 Defense Evasion"
      stealth             = "TA0005 Stealth"
      defenseimpairment   = "TA0112 Defense Impairment"
      credentialaccess    = "TA0006 Credential Access"
      discovery           = "TA0007 Discovery"
      lateralmovement     = "TA0008 Lateral Movement"
      collection          = "TA0009 Collection"
      exfiltration        = "TA0010 Exfiltration"
      commandandcontrol   = "TA0011 Command and Control"
      impact              = "TA0040 Impact"
    }
    tactics = [for c in local.categories : local.tactic_of[lower(replace(c, " ", ""))]]
    words   = list(local.categories, raw.Title)
  }

  skip "a table of advanced hunting that holds no alerts" {
    when = has(local.table) && !is(local.table, "AlertInfo", "AlertEvidence")
  }

  event "alert" {
    each = local.affected
    time = time(raw.Timestamp, raw.lastActivity, raw.lastEventTime, raw.creationTime, raw.alertCreationTime, raw.firstActivity, raw.firstEventTime, envelope.time)
    subject = complex({
      user = coalesce(
        aliases(email(item.user.upn), iss_sub(local.issuer, item.user.oid)),
        opaque(item.user.sid),
      )
      device = aliases(opaque(item.device.mde), opaque(item.device.aad))
    })
    body = {
      alert_id = coalesce(raw.AlertId, raw.id)
      severity = coalesce(enum("severity", raw.Severity), "unknown")
      state    = enum("state", raw.status)
      verdict  = enum("verdict", raw.classification)
      disposition = coalesce(
        is(local.remedies, "active", "unremediated", "partiallyRemediated", "pendingApproval", "declined") ? "detected_only" : null,
        is(local.prevented, "prevented", "blocked") ? "blocked" : null,
        has(local.files) && is(local.remedies, "remediated") ? "quarantined" : null,
      )
      title      = raw.Title
      reason     = coalesce(raw.description, raw.Title)
      rule_id    = raw.detectorId
      rule_name  = raw.Title
      techniques = local.techniques
      tactics    = tactics(local.tactics)
      url        = coalesce(raw.alertWebUrl, envelope.incidentUri)
      concepts = [
        has(item.device) ? "device-risk" : null,
        has(item.user) ? "user-risk" : null,
        starts_with(local.techniques, "T1003", "T1555", "T1552", "T1558", "T1539", "T1606") || contains(raw.Title, "leaked credential") ? "credential-compromise" : null,
        starts_with(local.techniques, "T1539", "T1550.001", "T1550.004") ? "session-risk" : null,
        starts_with(local.techniques, "T1562", "T1685", "T1686", "T1688", "T1689", "T1690") ? "edr-tamper" : null,
        contains(local.words, "ransom") ? "ransomware" : null,
        contains(local.words, "malware") ? "malware" : null,
        is(local.categories, "UnwantedSoftware") ? "pua" : null,
        contains(local.words, "phish") || starts_with(local.techniques, "T1566") ? "phishing" : null,
        contains(local.words, "impossible travel", "impossibletravel", "atypical travel") ? "impossible-travel" : null,
        contains(local.words, "anonymous ip", "anonymouslogin") ? "anonymizer" : null,
        is(local.categories, "LateralMovement") ? "lateral-movement" : null,
        is(local.categories, "Exfiltration") ? "exfiltration" : null,
      ]
    }
    ecs = {
      "alert.source"     = "microsoft.defender.${local.feed}"
      "alert.case_id"    = coalesce(raw.incidentId, envelope.incidentId)
      "alert.updated"    = time(raw.lastUpdatedTime, raw.lastUpdateTime)
      "event.created"    = time(raw.creationTime, raw.alertCreationTime)
      "event.start"      = time(raw.firstActivity, raw.firstEventTime)
      "event.end"        = time(raw.lastActivity, raw.lastEventTime)
      "event.provider"   = coalesce(raw.ServiceSource, raw.DetectionSource)
      "event.code"       = first(local.categories)
      "organization.id"  = local.tenant
      "cloud.account.id" = local.tenant
      "tags"             = contains(local.words, "eicar", "[test alert]", "[testalert]") ? ["test-event"] : null

      "host.id"                = coalesce(item.device.mde, raw.DeviceId)
      "host.name"              = coalesce(item.device.dns, lower(raw.DeviceName))
      "host.ip"                = ips([for a in list(item.device.ips) : a if !starts_with(a, "127.", "169.254.", "fe80:", "::1")])
      "host.os.platform"       = lower(item.device.os)
      "host.risk.static_level" = { high = "High", medium = "Moderate", low = "Low" }[lower(item.device.risk)]
      "device.id"              = coalesce(item.device.mde, item.device.aad, raw.DeviceId)

      "user.id"        = coalesce(item.user.oid, item.user.sid)
      "user.name"      = coalesce(item.user.name, account(item.user.upn).name)
      "user.domain"    = coalesce(item.user.domain, account(item.user.upn).domain)
      "user.email"     = address(item.user.upn)
      "user.full_name" = item.user.full

      "source.ip"            = first(local.ips)
      "url.original"         = first([for x in local.entities : coalesce(x.it.RemoteUrl, x.it.url, x.more.Url) if x.kind == "url"])
      "service.target.name"  = coalesce(raw.Application, first([for x in local.entities : coalesce(x.it.Application, x.it.applicationName) if is(x.kind, "cloudapplication", "oauthapplication")]))
      "file.name"            = local.file.it.FileName
      "file.path"            = file_path(coalesce(local.file.it.FolderPath, local.file.it.filePath), local.file.it.FileName)
      "file.size"            = local.file.it.FileSize
      "file.hash.sha1"       = first(hashes(local.file.it.SHA1))
      "file.hash.sha256"     = first(hashes(local.file.it.SHA256))
      "process.name"         = local.process.it.FileName
      "process.executable"   = file_path(coalesce(local.process.it.FolderPath, local.process.it.filePath), local.process.it.FileName)
      "process.command_line" = local.process.it.ProcessCommandLine
      "process.pid"          = coalesce(local.process.it.processId, local.process.more.ProcessId)
      "process.start"        = time(local.process.it.processCreationTime, local.process.more.CreationTimeUtc)
      "process.hash.sha1"    = first(hashes(local.process.it.SHA1))
      "process.hash.sha256"  = first(hashes(local.process.it.SHA256))
      "process.user.name"    = local.process.it.AccountName
      "process.parent.pid"   = local.process.it.parentProcessId
      "process.parent.name"  = local.process.it.parentProcessFileName
      "email.subject"        = coalesce(local.mail.it.EmailSubject, local.mail.it.subject)
      "email.message_id"     = coalesce(local.mail.it.internetMessageId, local.mail.it.NetworkMessageId)
      "email.from.address"   = list(local.mail.it.sender, local.mail.more.Sender)
      "email.to.address"     = list(local.mail.it.recipient, local.mail.more.Recipient)

      "related.hosts" = list(raw.DeviceId, local.devices[*].mde, local.devices[*].aad, local.devices[*].dns, [for d in local.devices : short_host(d.dns)])
      "related.user" = list(
        local.users[*].oid, local.users[*].sid, local.users[*].upn, local.users[*].name,
        raw.AccountUpn, raw.AccountName,
        [for d in local.devices : d.logged[*].accountName],
      )
      "related.ip"   = local.ips
      "related.hash" = hashes(local.files[*].it.SHA256, local.files[*].it.SHA1, local.processes[*].it.SHA256, local.processes[*].it.SHA1)

      "threat.tactic.name" = [for t in local.tactics : regex("^TA\\d{4} (.+)$", t)]
      vendor = {
        entity_type         = first(raw.EntityType)
        evidence_role       = first(raw.EvidenceRole)
        evidence_direction  = raw.EvidenceDirection
        detection_source    = raw.DetectionSource
        determination       = clean(raw.determination, "unknown", "NotAvailable")
        investigation_state = raw.investigationState
        recommended_actions = raw.recommendedAction
        assigned_to         = raw.assignedTo
        actor               = raw.actorName
        threat              = coalesce(raw.threatFamilyName, raw.ThreatFamily)
        incident            = envelope.incidentName
        tags                = list(envelope.tags)
        verdicts            = distinct(local.entities[*].it.verdict, local.entities[*].more.LastVerdict)
        remediation         = distinct(local.remedies)
        aad_device_id       = item.device.aad
        health              = item.device.health
        onboarding          = item.device.onboarding
        antivirus           = item.device.antivirus
      }
    }
  }
}
