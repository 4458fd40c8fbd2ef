# CrowdStrike Falcon: alerts of the Alerts API, and the detection summaries of
# Event Streams ({"metadata": …, "event": …}).
mapping "crowdstrike" {
  title    = "CrowdStrike Falcon alerts and detection summaries"
  vendor   = "crowdstrike"
  observer = { vendor = "CrowdStrike", product = "Falcon", type = "edr" }
  unwrap   = ["resources"]
  when     = has(raw.composite_id) || has(raw.metadata.eventType) || has(raw.event.CompositeId) || has(raw.event.DetectId)

  enum "severity" {
    informational = ["informational", "info"]
    low           = ["low"]
    medium        = ["medium"]
    high          = ["high"]
    critical      = ["critical"]
  }
  enum "state" {
    new         = ["new", "reopened", "open"]
    in_progress = ["in_progress", "in progress"]
    resolved    = ["closed", "resolved"]
    dismissed   = ["ignored"]
  }
  enum "verdict" {
    true_positive   = ["true_positive"]
    false_positive  = ["false_positive"]
    benign_positive = ["ignored"]
  }

  locals {
    # One name for what the two shapes call differently.
    streamed = has(raw.event)
    kind     = coalesce(raw.metadata.eventType, raw.product, "alert")
    id       = coalesce(raw.composite_id, raw.event.CompositeId, raw.event.DetectId, raw.event.IdentityProtectionIncidentId, raw.event.IncidentID, raw.event.LeadId, raw.id, raw.indicator_id, "${raw.metadata.customerIDString}:${raw.metadata.offset}")
    identity = is(raw.product, "idp") || starts_with(raw.metadata.eventType, "Idp", "Identity")
    name     = coalesce(raw.display_name, raw.name, raw.event.DisplayName, raw.event.Name, raw.event.DetectName, local.identity ? raw.event.IncidentType : null)

    # A name of the severity wins over its number, whose scale depends on the
    # kind of event.
    number = coalesce(raw.severity, raw.event.Severity)
    of_five = is(raw.metadata.eventType, "DetectionSummaryEvent") || starts_with(raw.metadata.eventType, "Idp") && number(local.number) <= 5
    severity = coalesce(
      enum("severity", raw.severity_name, raw.event.SeverityName),
      local.of_five ? band(local.number, [1, "informational"], [2, "low"], [3, "medium"], [4, "high"], [5, "critical"]) : null,
      band(local.number, [1, "informational"], [20, "low"], [40, "medium"], [60, "high"], [80, "critical"]),
      "unknown",
    )

    flags = coalesce(raw.pattern_disposition_details, json(raw.event.PatternDispositionFlags), raw.event.PatternDispositionFlags)
    disposition = coalesce(
      is(raw.device.status, "contained") ? "isolated" : null,
      bool(coalesce(local.flags.quarantine_machine, local.flags.QuarantineMachine)) ? "isolated" : null,
      bool(coalesce(local.flags.quarantine_file, local.flags.QuarantineFile)) ? "quarantined" : null,
      bool(coalesce(local.flags.kill_process, local.flags.KillProcess)) || bool(coalesce(local.flags.kill_parent, local.flags.KillParent)) || bool(coalesce(local.flags.kill_subprocess, local.flags.KillSubProcess)) ? "killed" : null,
      bool(coalesce(local.flags.process_blocked, local.flags.ProcessBlocked)) || bool(coalesce(local.flags.operation_blocked, local.flags.OperationBlocked)) || bool(coalesce(local.flags.registry_operation_blocked, local.flags.RegistryOperationBlocked)) || bool(coalesce(local.flags.fs_operation_blocked, local.flags.FsOperationBlocked)) ? "blocked" : null,
      bool(local.flags.kill_action_failed) || bool(local.flags.blocking_unsupported_or_disabled) ? "failed" : null,
      has(local.flags) ? "detected_only" : null,
      "unknown",
    )

    # A lead names hosts by what made it one.
    leads   = distinct(raw.event.ThreatgraphIndicators[*].HostId)
    device  = coalesce(raw.agent_id, raw.device.device_id, raw.event.AgentId, raw.event.SensorId, raw.event.AgentIdString, raw.event.SourceEndpointSensorId, raw.source_endpoint_sensor_id, raw.event.HostID, length(local.leads) == 1 ? local.leads[0] : null)
    host    = lower(coalesce(raw.device.hostname, raw.event.Hostname, raw.event.ComputerName, raw.source_endpoint_host_name, raw.event.SourceEndpointHostName, raw.event.EndpointName, length(local.leads) == 1 ? raw.event.ThreatgraphIndicators[0].Hostname : null))
    named   = local.identity ? coalesce(raw.source_account_name, raw.event.SourceAccountName, raw.event.UserName) : coalesce(raw.user_name, raw.event.UserName)
    account = account(local.named)
    domain  = coalesce(local.identity ? coalesce(raw.source_account_domain, raw.event.SourceAccountDomain) : coalesce(raw.logon_domain, raw.event.LogonDomain), local.account.domain)
    upn     = local.identity ? coalesce(raw.source_account_upn, raw.event.SourceAccountUpn, raw.user_principal) : coalesce(raw.user_principal, raw.event.UserPrincipal, local.account.email)
    sid     = local.identity ? coalesce(raw.source_account_object_sid, raw.event.SourceAccountObjectSid) : coalesce(raw.user_id, raw.event.UserId)
    person  = !machine(local.named) || has(local.upn)

    techniques   = techniques(raw.technique_id, raw.event.TechniqueId, raw.mitre_attack[*].technique_id, raw.event.MitreAttack[*].TechniqueID, raw.event.TechniqueIds, raw.event.Techniques)
    # Beside those of ATT&CK the product has tactics of its own, with ids such as CSTA0004.
    tactic_ids   = [for t in split(",", join(",", list(raw.tactic_id, raw.event.TacticId, raw.mitre_attack[*].tactic_id, raw.event.MitreAttack[*].TacticID, raw.event.TacticIds))) : t if !starts_with(t, "CST")]
    tactic_names = [for t in split(",", join(",", list(raw.tactic, raw.event.Tactic, raw.event.Tactics))) : t if !is(t, "Machine Learning", "AI Powered IOA", "Falcon OverWatch", "Falcon Intel", "Custom Intelligence", "Malware", "Exploit", "Post-Exploit", "Insecure Security Posture")]
    tactics      = tactics(length(local.tactic_ids) > 0 ? local.tactic_ids : local.tactic_names)
    words        = list(raw.technique, raw.event.Technique, raw.tactic, raw.event.Tactic, raw.model_anomaly_indicators, local.name, raw.scenario)
    verdicts     = list(raw.resolution, raw.tags)
  }

  skip "console audit and other streams that are no detections" {
    when = local.streamed && !ends_with(raw.metadata.eventType, "DetectionSummaryEvent") && !is(raw.metadata.eventType, "IdentityProtectionEvent", "IncidentSummaryEvent", "AutomatedLeadSummaryEvent")
  }

  event "alert" {
    time = time(
      raw.timestamp, raw.context_timestamp, raw.created_timestamp,
      raw.event.ContextTimeStamp, raw.event.ProcessStartTime, raw.event.StartTimeEpoch, raw.event.StartTime,
      raw.event.Timestamp, raw.event.IncidentEndTime, raw.event.SignalEndTimestamp,
      raw.metadata.eventCreationTime,
    )
    subject = complex({
      user = local.person ? aliases(
        email(local.upn),
        iss_sub("crowdstrike", local.sid),
      ) : null
      device = opaque(local.device)
    })
    body = {
      alert_id   = local.id
      severity   = local.severity
      confidence = band(coalesce(raw.confidence, raw.event.Confidence), [0, "low"], [40, "medium"], [70, "high"])
      state      = enum("state", raw.status, raw.event.Status, raw.event.State)
      verdict = coalesce(
        is(local.verdicts, "false_positive") ? "false_positive" : null,
        is(local.verdicts, "true_positive") ? "true_positive" : null,
        is(local.verdicts, "ignored") ? "benign_positive" : null,
      )
      disposition = local.disposition
      title       = local.name
      reason      = coalesce(raw.description, raw.event.Description, raw.event.DetectDescription, raw.event.IncidentDescription)
      rule_id     = coalesce(raw.pattern_id, raw.event.PatternId)
      rule_name   = local.name
      techniques  = local.techniques
      tactics     = local.tactics
      risk_score  = number(coalesce(raw.severity, local.of_five ? null : raw.event.Severity))
      url         = coalesce(raw.falcon_host_link, raw.event.FalconHostLink)
      concepts = [
        local.identity ? "user-risk" : has(local.device) || has(local.host) ? "device-risk" : null,
        starts_with(local.techniques, "T1003", "T1555", "T1552", "T1558", "T1539", "T1606") ? "credential-compromise" : null,
        contains(local.words, "ransom") ? "ransomware" : null,
        contains(local.words, "malware") ? "malware" : null,
        contains(local.words, "impossible_velocity", "impossible travel") ? "impossible-travel" : null,
        contains(local.words, "anonym") ? "anonymizer" : null,
        contains(local.words, "lateral movement") || bool(raw.event.LateralMovement) ? "lateral-movement" : null,
        is(raw.device.status, "contained", "containment_pending") ? "isolation" : null,
      ]
    }
    ecs = {
      "alert.source"       = "crowdstrike.${local.kind}"
      "alert.updated"      = raw.updated_timestamp
      "alert.case_id"      = coalesce(first(raw.linked_case_ids), raw.incident.id)
      "alert.is_incident"  = is(raw.metadata.eventType, "IncidentSummaryEvent", "IdentityProtectionEvent") ? true : null
      "event.start"        = time(raw.event.IncidentStartTime, raw.event.SignalStartTimestamp, raw.signal_start_timestamp)
      "event.end"          = time(raw.event.IncidentEndTime, raw.event.SignalEndTimestamp, raw.signal_end_timestamp)
      "event.created"      = coalesce(raw.created_timestamp, time(raw.metadata.eventCreationTime))
      "event.provider"     = local.kind
      "event.code"         = raw.type
      "organization.id"    = coalesce(raw.cid, raw.metadata.customerIDString)
      "tags"               = contains(local.words, "eicar", "CROWDSTRIKE_SAMPLE") || contains(raw.event.Description, "eicar test") ? ["test-event"] : null
      "host.id"            = local.device
      "host.name"          = local.host
      "host.domain"        = coalesce(raw.device.machine_domain, raw.event.MachineDomain)
      "host.ip"            = ips(raw.device.local_ip, raw.event.LocalIP, raw.event.LocalIPv6)
      "host.mac"           = [mac(coalesce(raw.device.mac_address, raw.event.MACAddress))]
      "host.os.platform"   = lower(coalesce(raw.device.platform_name, raw.event.PlatformName))
      "host.os.full"       = raw.device.os_version
      "device.id"          = local.device
      "device.manufacturer" = raw.device.system_manufacturer
      "device.model.name"  = raw.device.system_product_name
      "user.name" = local.account.name
      "user.domain"        = local.domain
      "user.email"         = address(local.upn)
      "user.id"            = local.sid
      "source.ip"          = coalesce(public_ip(raw.device.external_ip), ip(coalesce(raw.source_endpoint_ip_address, raw.event.SourceEndpointIpAddress, raw.event.EndpointIp)))
      "source.geo.country_iso_code" = upper(raw.location_country_code)
      "process.name"         = coalesce(raw.filename, raw.event.FileName)
      "process.executable"   = coalesce(raw.filepath, raw.event.FilePath)
      "process.command_line" = coalesce(raw.cmdline, raw.event.CommandLine)
      "process.entity_id"    = coalesce(raw.process_id, raw.event.ProcessId)
      "process.start"        = time(raw.process_start_time, raw.event.ProcessStartTime)
      "process.end"          = time(raw.process_end_time, raw.event.ProcessEndTime)
      "process.hash.sha256"  = first(hashes(raw.sha256, raw.event.SHA256String))
      "process.hash.md5"     = first(hashes(raw.md5, raw.event.MD5String))
      "process.parent.name"         = coalesce(raw.parent_details.filename, raw.event.ParentImageFileName)
      "process.parent.executable"   = raw.parent_details.filepath
      "process.parent.command_line" = coalesce(raw.parent_details.cmdline, raw.event.ParentCommandLine)
      "related.hosts" = list(raw.target_endpoint_host_name, raw.target_domain_controller_host_name, raw.host_names, raw.source_hosts, raw.destination_hosts, raw.event.LMHostIDs, local.leads, split(",", raw.event.HostNames), short_host(local.host))
      "related.user"  = list(raw.target_account_name, raw.source_account_azure_id, raw.user_names, split(",", raw.event.UserNames))
      "related.ip"    = ips(raw.source_ips, split(",", raw.event.IPv4Addresses))
      "related.hash"  = hashes(split(",", raw.event.SHA256Hashes), raw.sha1, raw.event.SHA1String)
      "threat.tactic.name"    = list(clean(raw.tactic), clean(raw.event.Tactic))
      "threat.technique.name" = list(clean(raw.technique), clean(raw.event.Technique))
      vendor = {
        objective    = coalesce(raw.objective, raw.event.Objective)
        scenario     = raw.scenario
        groups       = list(raw.device.groups, split(",", raw.event.HostGroups))
        tactic_id    = clean(raw.tactic_id)
        idp_policy   = raw.idp_policy_rule_name
        disposition  = coalesce(raw.pattern_disposition_description, raw.event.PatternDispositionDescription)
        containment  = raw.device.status
      }
    }
  }
}
