# SentinelOne Singularity: threats, unified alerts, alerts of custom (STAR) rules
# of both APIs, and the activities of the console.
#
# Threats have no severity: confidence and classification give it. An activity
# that announces a threat is an alert of the same id as the threat itself.
mapping "sentinelone" {
  title    = "SentinelOne threats, alerts and activities"
  vendor   = "sentinelone"
  observer = { vendor = "SentinelOne", product = "Singularity", type = "edr" }
  unwrap   = ["data[]"]
  when     = has(raw.threatInfo) || has(raw.alertInfo) || has(raw.activityType) || has(raw.detectedAt) && (has(raw.attackSurfaces) || has(raw.assets) || has(raw.asset) || has(raw.rawData))

  enum "severity" {
    informational = ["info", "informational", "e_info", "e_informational"]
    low           = ["low", "e_low"]
    medium        = ["medium", "e_medium"]
    high          = ["high", "e_high"]
    critical      = ["critical", "e_critical", "fatal"]
    unknown       = ["unknown", "e_unknown", "other"]
  }
  enum "state" {
    new         = ["unresolved", "new"]
    in_progress = ["in_progress", "in progress"]
    resolved    = ["resolved"]
    dismissed   = ["false_positive"]
  }
  enum "verdict" {
    true_positive = [
      "true_positive", "true positive", "true_positive_undefined", "true_positive_advanced_persistent_threat", "true_positive_data_exfiltration",
      "true_positive_denial_of_service", "true_positive_exploitation_tools", "true_positive_insider_threat", "true_positive_malware",
      "true_positive_phishing_attack", "true_positive_policy_violation", "true_positive_pua_adware", "true_positive_ransomware", "true_positive_unauthorized_access",
    ]
    benign_positive = ["true_positive_benign", "true_positive_benign_but_suspicious"]
    false_positive = [
      "false_positive", "false positive", "false_positive_undefined", "false_positive_benign", "false_positive_benign_but_suspicious",
      "false_positive_system_error", "false_positive_user_error",
    ]
    suspicious      = ["suspicious"]
    undetermined    = ["undefined"]
  }
  enum "disposition" {
    blocked       = ["mitigated"]
    detected_only = ["not_mitigated", "unmitigated", "pending", "pending_reboot", "active", "suspicious"]
    allowed       = ["marked_as_benign", "benign"]
    failed        = ["failed"]
  }
  enum "confidence" {
    high   = ["malicious"]
    medium = ["suspicious"]
  }

  locals {
    threat = raw.threatInfo
    info   = raw.alertInfo
    data   = raw.data # of an activity
    detect = raw.agentDetectionInfo
    live   = raw.agentRealtimeInfo
    source = raw.sourceProcessInfo
    ocsf   = coalesce(json(raw.rawData), raw.rawData)
    type   = raw.activityType

    kind = coalesce(
      has(local.threat) ? "threat" : null,
      has(local.info) || is(local.type, "3608", "3784") ? "star" : null,
      is(local.type, "19", "4003") ? "threat" : null,
      has(local.type) ? "activity" : "alert",
    )
    asset    = coalesce(raw.asset, first(raw.assets))
    identity = is(local.asset.category, "Identity") || is(raw.attackSurfaces, "IDENTITY")
    actor    = first(local.ocsf.evidences[*].actor.user)
    process  = coalesce(raw.process, first(local.ocsf.evidences[*].process))
    target   = raw.detectionTime.targetUser
    attacker = raw.detectionTime.attacker

    id     = coalesce(local.threat.threatId, local.info.alertId, local.data.alertId, local.kind == "threat" ? raw.threatId : null, raw.id)
    name   = coalesce(local.threat.threatName, raw.ruleInfo.name, local.data.ruleName, raw.name, local.data.fileDisplayName, local.ocsf.finding_info.title)
    class  = coalesce(local.threat.classification, local.data.threatClassification, raw.classification)
    sure   = coalesce(local.threat.confidenceLevel, local.data.confidenceLevel, raw.confidenceLevel)
    status = coalesce(local.threat.mitigationStatus, raw.result)
    words  = list(local.class, local.name, raw.indicators[*].category, raw.analytics.category, local.ocsf.finding_info.analytic.category)

    techniques = techniques(raw.indicators[*].tactics[*].techniques[*].name, local.ocsf.finding_info.attacks[*].technique.uid, local.ocsf.finding_info.attacks[*].sub_technique.uid)
    tactic     = list(raw.indicators[*].tactics[*].name, local.ocsf.finding_info.attacks[*].tactics[*].name, local.ocsf.finding_info.attacks[*].tactic.name)
    tactics    = tactics(length(local.tactic) > 0 ? local.tactic : list(local.ocsf.finding_info.attacks[*].tactics[*].uid, local.ocsf.finding_info.attacks[*].tactic.uid)) # ids come malformed
    credential = starts_with(local.techniques, "T1003", "T1555", "T1552", "T1558", "T1539", "T1606")
    lateral    = starts_with(local.techniques, "T1021", "T1570", "T1550") || is(local.tactic, "Lateral Movement", "LateralMovement")
    exposed    = contains(local.words, "Compromised Password", "BreachDetect")

    stated = coalesce(raw.severity, raw.ruleInfo.severity, local.data.severity)
    severity = coalesce(
      local.kind != "threat" && has(local.stated) ? enum("severity", local.stated) : null,
      local.kind != "threat" ? band(local.ocsf.severity_id, [0, "unknown"], [1, "informational"], [2, "low"], [3, "medium"], [4, "high"], [5, "critical"], [7, "unknown"]) : null,
      is(local.class, "PUA", "PUP") ? "low" : null,
      is(local.sure, "malicious") && (is(local.class, "Ransomware", "Infostealer") || local.credential || local.lateral) ? "critical" : null,
      is(local.sure, "malicious") ? "high" : null,
      is(local.sure, "suspicious") ? "medium" : null,
      "unknown",
    )
    verdict = clean(enum("verdict", local.threat.analystVerdict, local.info.analystVerdict, raw.analystVerdict), "unknown")
    benign  = is(local.status, "marked_as_benign", "benign") || is(local.verdict, "false_positive")
    state = coalesce(
      local.benign ? "dismissed" : null,
      enum("state", local.threat.incidentStatus, local.info.incidentStatus, raw.status),
      has(local.type) ? "new" : null,
    )

    done     = [for m in raw.mitigationStatus : m.action if is(m.status, "success")]
    failed   = [for m in raw.mitigationStatus : m.action if is(m.status, "failed", "failure")]
    isolated = is(local.live.agentNetworkStatus, "disconnected", "disconnecting")
    disposition = coalesce(
      is(local.live.agentNetworkStatus, "disconnected") ? "isolated" : null,
      is(local.done, "quarantine") ? "quarantined" : null,
      is(local.done, "remediate", "rollback-remediation") ? "deleted" : null,
      is(local.done, "kill") ? "killed" : null,
      bool(local.threat.mitigatedPreemptively) ? "blocked" : null,
      has(local.failed) ? "failed" : null,
      has(local.status) ? enum("disposition", local.status) : null,
      "unknown",
    )

    # The two ids that one agent goes by.
    uuid   = coalesce(local.detect.agentUuid, local.detect.uuid, local.live.agentUuid, local.live.uuid, local.data.origAgentUuid, local.data.agentUuid, local.identity ? null : local.asset.agentUuid)
    agent  = coalesce(local.live.agentId, local.live.id, raw.agentId)
    device = aliases(opaque(local.uuid), opaque(local.agent))
    host   = lower(first(coalesce(local.live.agentComputerName, local.live.name, local.detect.name, local.data.origAgentName, local.data.computerName, local.identity ? null : local.asset.name, local.attacker.host)))

    # Of an identity alert the actor is the account that was taken over.
    ran_as  = coalesce(local.threat.processUser, local.source.user, local.data.sourceProcessUser, local.process.user.name)
    logged  = coalesce(local.detect.agentLastLoggedInUserName, local.asset.lastLoggedInUser)
    named   = coalesce(local.target.name, local.actor.name, local.identity ? local.asset.name : null, machine(local.ran_as) ? null : local.ran_as, local.logged)
    account = account(local.named)
    mail    = coalesce(address(local.target.emailAddress), address(local.actor.email_addr), address(local.detect.agentLastLoggedInUserMail), address(local.detect.agentLastLoggedInUpn), local.account.email)
    domain  = coalesce(local.target.domain, local.actor.domain, local.account.domain, local.detect.agentDomain)
    subject = complex({
      user   = local.kind == "activity" || machine(local.named) ? null : email(local.mail)
      device = local.device
    })
  }

  event "alert" {
    when    = local.kind != "activity"
    time    = time(local.threat.identifiedAt, raw.detectedAt, local.data.detectedAt, local.info.dvEventTime, local.info.createdAt, local.threat.createdAt, local.ocsf.finding_info.created_time, raw.createdAt)
    subject = local.subject
    body = {
      alert_id    = local.id
      severity    = local.severity
      confidence  = has(clean(local.sure, "n/a", "unknown")) ? enum("confidence", local.sure) : null
      state       = local.state
      verdict     = local.verdict
      disposition = local.disposition
      title       = local.name
      reason      = coalesce(raw.description, raw.primaryDescription, first(raw.indicators[*].description), local.ocsf.finding_info.desc)
      rule_id     = coalesce(raw.ruleInfo.id, local.data.ruleId, local.ocsf.finding_info.analytic.uid)
      rule_name   = coalesce(raw.ruleInfo.name, local.data.ruleName, raw.analytics.name, local.ocsf.finding_info.analytic.name)
      techniques  = local.techniques
      tactics     = local.tactics
      concepts = [
        local.identity ? "user-risk" : "device-risk",
        local.exposed || local.credential ? "credential-compromise" : null,
        contains(local.words, "ransom") ? "ransomware" : null,
        is(local.class, "Malware", "Ransomware", "Trojan", "Infostealer", "Virus", "Worm", "Backdoor", "Rootkit", "Downloader", "Exploit", "Hacktool", "Hack Tool", "Miner", "Cryptominer") ? "malware" : null,
        is(local.class, "PUA", "PUP") ? "pua" : null,
        local.lateral ? "lateral-movement" : null,
        contains(local.words, "phish") ? "phishing" : null,
        is(local.tactic, "Exfiltration") ? "exfiltration" : null,
        local.isolated ? "isolation" : null,
      ]
    }
    ecs = {
      "alert.source"  = "sentinelone.${local.kind}"
      "alert.updated" = time(local.threat.updatedAt, local.info.updatedAt, raw.updatedAt)
      "alert.test"    = contains(list(local.name, local.threat.filePath, local.data.filePath), "eicar") ? true : null
      "tags"          = contains(list(local.name, local.threat.filePath, local.data.filePath), "eicar") ? ["test-event"] : null
      "user.name"     = local.account.name
      "user.domain"   = local.domain
      "user.email"    = local.mail
      "user.id"       = coalesce(local.actor.uid, local.actor.uid_alt)
    }
  }

  # A password found in a breach. Updates of the alert state nothing new.
  event "credential-compromise" {
    when    = local.kind == "alert" && local.exposed && has(local.mail) && is(local.state, "new", "in_progress")
    time    = time(raw.detectedAt, raw.createdAt)
    subject = email(local.mail)
    body    = { credential_type = "password", reason_admin = local.name }
    ecs     = { "user.email" = local.mail, "user.name" = local.account.name, "user.domain" = local.domain }
  }

  event "activity" {
    when    = local.kind == "activity"
    time    = time(raw.createdAt, raw.updatedAt)
    subject = local.subject
    body = {
      action = coalesce(
        is(local.type, "2001") ? "threat-killed" : null,
        is(local.type, "2004") ? "threat-quarantined" : null,
        is(local.type, "4008") ? "threat-status-changed" : null,
        is(local.type, "47") ? "agent-decommissioned" : null,
        is(local.type, "120", "128") ? "agent-protection-changed" : null,
        is(local.type, "5126") ? "usb-device-event" : null,
        is(local.type, "5232") ? "firewall-event" : null,
        is(local.type, "25", "3016") ? "console-administration" : null,
        "sentinelone-${local.type}",
      )
      source_ip = ip(local.data.ipAddress)
      target    = coalesce(local.data.computerName, local.data.fileDisplayName, local.data.username)
      concepts = [
        is(local.type, "120", "128") ? "edr-tamper" : null,
        is(local.type, "47") ? "device-unmanaged" : null,
      ]
    }
    # Who did it in the console: not the person whose device it is.
    ecs = { "related.user" = list(raw.userId, local.data.username, address(local.data.userEmail)) }
  }

  ecs = {
    "event.provider"  = coalesce(first(local.threat.engines), raw.detectionSource.product, local.kind)
    "event.code"      = coalesce(local.type, local.threat.detectionType, local.data.dvEventType, local.info.eventType)
    "event.created"   = time(local.threat.createdAt, local.info.reportedAt, raw.createdAt)
    "event.reason"    = coalesce(raw.primaryDescription, raw.description, first(raw.indicators[*].description))
    "organization.id" = coalesce(local.live.accountId, local.detect.accountId, raw.accountId, raw.realTime.scope.account.id, raw.detectionTime.scope.accountId)
    "organization.name" = coalesce(local.live.accountName, local.detect.accountName, raw.accountName, raw.realTime.scope.account.name, raw.detectionTime.scope.accountName)
    "observer.version" = coalesce(local.detect.agentVersion, local.detect.version)
    "host.id"     = coalesce(local.uuid, local.agent)
    "device.id"   = coalesce(local.uuid, local.agent)
    "host.name"   = local.host
    "host.domain" = coalesce(local.live.agentDomain, local.detect.agentDomain)
    "host.ip"     = ips(split(",", local.detect.agentIpV4), split(",", local.detect.agentIpV6), local.live.networkInterfaces[*].inet, local.live.networkInterfaces[*].inet6, local.data.agentIpV4)
    "host.mac"    = [for n in local.live.networkInterfaces : mac(n.physical)]
    "host.type"   = lower(coalesce(local.live.agentMachineType, local.live.machineType, local.detect.machineType))
    "host.os.type" = lower(coalesce(local.live.agentOsType, local.live.os, local.detect.osFamily, local.asset.osType))
    "host.os.full" = coalesce(local.live.agentOsName, local.detect.agentOsName, local.detect.osName)
    "source.ip"   = coalesce(ip(local.attacker.ip), ip(first(local.ocsf.evidences[*].src_endpoint.ip)), public_ip(local.detect.externalIp))
    "destination.ip"     = first(ips(local.ocsf.evidences[*].dst_endpoint.ip))
    "destination.domain" = first(local.ocsf.evidences[*].dst_endpoint.hostname)
    "process.name"         = coalesce(local.threat.originatorProcess, local.source.name, local.data.sourceProcessName, local.process.name)
    "process.executable"   = coalesce(local.source.filePath, local.data.sourceProcessFilePath, local.process.file.path)
    "process.command_line" = coalesce(local.threat.maliciousProcessArguments, local.source.commandline, local.data.sourceProcessCommandLine, local.process.cmdLine, local.process.cmd_line)
    "process.pid"          = coalesce(local.source.pid, local.data.sourceProcessPid, local.process.pid)
    "process.entity_id"    = coalesce(local.source.uniqueId, local.data.sourceProcessKey, local.process.uid)
    "process.user.name"    = local.ran_as
    "process.hash.sha256"  = first(hashes(local.source.fileHashSha256, local.data.sourceProcessSha256, local.process.file.sha256))
    "process.hash.sha1"    = first(hashes(local.source.fileHashSha1, local.data.sourceProcessSha1, local.process.file.sha1))
    "process.hash.md5"     = first(hashes(local.source.fileHashMd5, local.data.sourceProcessMd5, local.process.file.md5))
    "process.parent.name"  = coalesce(raw.sourceParentProcessInfo.name, local.data.sourceParentProcessName, local.process.parent_process.name, local.process.parentName)
    "process.parent.command_line" = coalesce(raw.sourceParentProcessInfo.commandline, local.data.sourceParentProcessCommandLine)
    "file.name"        = local.kind == "threat" ? coalesce(local.threat.threatName, local.data.fileDisplayName) : null
    "file.path"        = coalesce(local.threat.filePath, local.data.filePath)
    "file.size"        = local.threat.fileSize
    "file.hash.sha256" = first(hashes(local.threat.sha256))
    "file.hash.sha1"   = first(hashes(local.threat.sha1, local.data.fileContentHash))
    "file.hash.md5"    = first(hashes(local.threat.md5))
    "threat.tactic.name" = local.tactic
    "related.hosts" = list(local.agent, short_host(local.host), local.ocsf.evidences[*].src_endpoint.hostname, local.ocsf.evidences[*].dst_endpoint.hostname)
    "related.user"  = list(machine(local.ran_as) ? null : local.ran_as, local.logged, local.detect.agentLastLoggedInUpn, local.actor.name)
    vendor = {
      classification = local.class
      mitigation     = local.status
      storyline      = coalesce(local.threat.storyline, local.source.storyline, local.data.sourceProcessStoryline)
      network_status = local.live.agentNetworkStatus
      infected       = local.live.agentInfected
      policy_mode    = local.detect.agentMitigationMode
      initiated_by   = local.threat.initiatedBy
      site           = coalesce(local.live.siteName, local.detect.siteName, raw.siteName, raw.realTime.scope.site.name)
      group          = coalesce(local.live.groupName, local.detect.groupName, raw.groupName, raw.realTime.scope.group.name)
      threat_id      = has(local.type) ? raw.threatId : null
      description    = raw.secondaryDescription
      failed         = local.failed
    }
  }
}
