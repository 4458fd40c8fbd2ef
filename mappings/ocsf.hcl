# Open Cybersecurity Schema Framework: Detection Finding (2004), Compliance Finding
# (2003), Account Change (3001) and Authentication (3002). Numbers of enumerations
# win over their captions, which producers choose.
#
# The user of an event is the one it befell; of an account change who did it is
# vendor.actor. Sessions become events only under identifiers that one machine
# alone would not give, as 0x3e7.
mapping "ocsf" {
  title  = "OCSF findings, account changes and authentications"
  vendor = "ocsf"
  unwrap = ["detail", "findings[]", "records", "Records", "events[]"]
  when   = has(raw.class_uid) || has(raw.type_uid)

  enum "severity" {
    unknown       = ["0", "99", "unknown", "other"]
    informational = ["1", "informational"]
    low           = ["2", "low"]
    medium        = ["3", "medium"]
    high          = ["4", "high"]
    critical      = ["5", "6", "critical", "fatal"]
  }
  enum "state" {
    unknown     = ["0", "99", "unknown", "other"]
    new         = ["1", "new"]
    in_progress = ["2", "in progress", "in_progress"]
    dismissed   = ["3", "6", "suppressed", "deleted"]
    resolved    = ["4", "5", "resolved", "archived"]
  }
  enum "verdict" {
    undetermined    = ["0", "6", "7", "9", "10", "99", "unknown", "test", "insufficient data", "managed externally", "duplicate", "other"]
    false_positive  = ["1", "false positive"]
    true_positive   = ["2", "8", "true positive", "security risk"]
    suspicious      = ["4", "suspicious"]
    benign_positive = ["3", "5", "disregard", "benign"]
  }
  enum "confidence" {
    unknown = ["0", "99", "unknown", "other"]
    low     = ["1", "low"]
    medium  = ["2", "medium"]
    high    = ["3", "high"]
  }
  enum "disposition" {
    allowed       = ["1", "8", "9", "10", "allowed", "approved", "restored", "exonerated"]
    blocked       = ["2", "6", "21", "24", "25", "26", "blocked", "dropped", "reset", "access revoked", "rejected", "unauthorized"]
    quarantined   = ["3", "quarantined"]
    isolated      = ["4", "isolated"]
    deleted       = ["5", "11", "deleted", "corrected"]
    failed        = ["13", "27", "uncorrected", "error"]
    detected_only = ["15", "16", "17", "18", "19", "20", "detected", "no action", "logged", "tagged", "alert", "count"]
    unknown       = ["0", "7", "12", "14", "22", "23", "99", "unknown", "custom action", "partially corrected", "delayed", "captcha", "challenge", "other"]
  }
  enum "compliance" {
    compliant     = ["1", "pass", "passed"]
    not-compliant = ["3", "fail", "failed"]
    unknown       = ["0", "2", "99", "unknown", "warning", "other"]
  }
  enum "outcome" {
    unknown = ["0", "99", "unknown", "other"]
    success = ["1", "success"]
    failure = ["2", "failure"]
  }

  locals {
    class    = coalesce(text(raw.class_uid), regex("^(\\d{4})\\d\\d$", raw.type_uid))
    activity = coalesce(text(raw.activity_id), regex("^\\d{4}0?([1-9]\\d?)$", raw.type_uid))
    finding  = is(local.class, "2004", "2003")
    info     = raw.finding_info
    evidence = first(raw.evidences)
    outcome  = local.finding ? null : enum("outcome", raw.status_id, raw.status)
    done     = local.outcome == null || is(local.outcome, "success")

    user = coalesce(
      is(local.class, "3001", "3002") ? raw.user : null,
      first(raw.evidences[*].actor.user), first(raw.evidences[*].user), raw.actor.user, raw.user,
    )
    named    = coalesce(local.user.name, local.user.email_addr)
    account  = account(local.named)
    mail     = coalesce(address(local.user.email_addr), local.account.email)
    user_id  = account_id(local.user.uid)
    person   = machine(local.named) || is(local.user.type_id, "3") ? null : aliases(email(local.mail), iss_sub(coalesce(kebab(raw.metadata.product.vendor_name), "ocsf"), local.user_id))
    by_other = is(local.class, "3001") && has(raw.actor.user) && !is(raw.actor.user.uid, local.user.uid) && !is(raw.actor.user.name, local.user.name)

    device  = coalesce(raw.device, first(raw.evidences[*].device))
    serial  = coalesce(local.device.hw_info.serial_number, local.device.serial_number)
    machine = coalesce(local.device.uid, local.device.uid_alt, local.device.instance_uid, local.serial)
    host    = lower(coalesce(local.device.hostname, local.device.name))
    source  = coalesce(raw.src_endpoint, local.evidence.src_endpoint)
    target  = coalesce(raw.dst_endpoint, local.evidence.dst_endpoint)
    process = coalesce(local.evidence.process, raw.process)
    file    = coalesce(local.evidence.file, local.process.file, raw.file)
    session = has(regex("^0x", coalesce(raw.session.uid, "0x"))) ? null : regex("^.{8,}$", raw.session.uid)
    subject = complex({ user = local.person, device = opaque(local.machine) })
    time    = time(raw.time, raw.time_dt, local.info.created_time, local.info.created_time_dt, raw.metadata.original_time)

    techniques = techniques(local.info.attacks[*].technique.uid, local.info.attacks[*].sub_technique.uid, raw.attacks[*].technique.uid, raw.attacks[*].sub_technique.uid)
    tactic_ids = list(local.info.attacks[*].tactic.uid, local.info.attacks[*].tactics[*].uid, raw.attacks[*].tactic.uid, raw.attacks[*].tactics[*].uid)
    tactics    = tactics(length(local.tactic_ids) > 0 ? local.tactic_ids : list(local.info.attacks[*].tactic.name, local.info.attacks[*].tactics[*].name, raw.attacks[*].tactic.name, raw.attacks[*].tactics[*].name))
    words      = list(local.info.title, local.info.types, raw.malware[*].name, raw.malware[*].classifications, local.info.analytic.category)

    # The standard event that an account change or an authentication states.
    fact = coalesce(
      !local.done || is(local.class, "3001") && !has(local.person) ? "none" : null,
      is(local.class, "3001") && is(local.activity, "2") ? "account-enabled" : null,
      is(local.class, "3001") && is(local.activity, "5") ? "account-disabled" : null,
      is(local.class, "3001") && is(local.activity, "6") ? "account-purged" : null,
      is(local.class, "3001") && is(local.activity, "3", "4") ? "password" : null,
      is(local.class, "3002") && is(local.activity, "1") && has(local.session) && has(local.person) ? "session-established" : null,
      is(local.class, "3002") && is(local.activity, "2") && has(local.session) ? "session-revoked" : null,
      "none",
    )
  }

  skip "classes that state no fact about a person or device" {
    when = !is(local.class, "2003", "2004", "3001", "3002")
  }

  event "alert" {
    when    = is(local.class, "2004")
    time    = time(local.info.last_seen_time, local.info.last_seen_time_dt, local.info.created_time, local.info.created_time_dt, raw.time, raw.time_dt)
    subject = local.subject
    body = {
      alert_id    = coalesce(local.info.uid, raw.metadata.uid, sha256(join(" ", list(raw.time, local.info.title, local.machine, local.named))))
      severity    = coalesce(enum("severity", raw.severity_id, raw.severity), "unknown")
      confidence  = coalesce(enum("confidence", raw.confidence_id, raw.confidence), band(raw.confidence_score, [0, "low"], [40, "medium"], [70, "high"]))
      state       = coalesce(enum("state", raw.status_id, raw.status), is(local.activity, "3") ? "resolved" : null, is(local.activity, "1") ? "new" : null)
      verdict     = clean(enum("verdict", raw.verdict_id, raw.verdict), "unknown")
      disposition = coalesce(enum("disposition", raw.disposition_id, raw.disposition), "unknown")
      title       = coalesce(local.info.title, raw.message)
      reason      = coalesce(local.info.desc, raw.message)
      rule_id     = local.info.analytic.uid
      rule_name   = local.info.analytic.name
      techniques  = local.techniques
      tactics     = local.tactics
      risk_score  = number(raw.risk_score) <= 100 ? number(raw.risk_score) : null
      url         = local.info.src_url
      concepts = [
        has(local.machine) || has(local.host) ? "device-risk" : null,
        !has(local.machine) && !has(local.host) && has(local.user) ? "user-risk" : null,
        starts_with(local.techniques, "T1003", "T1555", "T1552", "T1558", "T1539", "T1606") ? "credential-compromise" : null,
        contains(local.words, "ransom") || is(list(raw.malware[*].classification_ids), "10") ? "ransomware" : null,
        has(raw.malware) || contains(local.words, "malware") ? "malware" : null,
        starts_with(local.techniques, "T1566") || contains(local.words, "phish") ? "phishing" : null,
        is(local.tactics, "TA0008") ? "lateral-movement" : null,
        is(local.tactics, "TA0010") ? "exfiltration" : null,
        contains(local.words, "impossible travel") ? "impossible-travel" : null,
      ]
    }
    ecs = {
      "alert.updated" = time(local.info.modified_time, local.info.modified_time_dt, raw.metadata.modified_time, raw.metadata.modified_time_dt)
      "alert.test"    = is(raw.verdict_id, "6") ? true : null
      "tags"          = is(raw.verdict_id, "6") || contains(local.words, "eicar") ? ["test-event"] : null
    }
  }

  event "posture" {
    when    = is(local.class, "2003")
    time    = time(local.info.last_seen_time, local.info.last_seen_time_dt, raw.time, raw.time_dt, local.info.created_time, local.info.created_time_dt)
    subject = local.subject
    body = {
      status        = coalesce(enum("compliance", raw.compliance.status_id, raw.compliance.status), "unknown")
      managed       = bool(local.device.is_managed)
      os_name       = local.device.os.name
      os_version    = local.device.os.version
      failed_checks = is(raw.compliance.status_id, "3") || is(raw.compliance.status, "fail", "failed") ? coalesce([for c in list(raw.compliance.checks) : c.name if is(c.status_id, "3")], list(coalesce(raw.compliance.control, local.info.title))) : null
      last_seen     = epoch(coalesce(local.device.last_seen_time, local.device.last_seen_time_dt))
      concepts      = ["device-compliance"]
    }
  }

  event "account-enabled" {
    when    = is(local.fact, "account-enabled")
    time    = local.time
    subject = local.person
  }
  event "account-disabled" {
    when    = is(local.fact, "account-disabled")
    time    = local.time
    subject = local.person
  }
  event "account-purged" {
    when    = is(local.fact, "account-purged")
    time    = local.time
    subject = local.person
  }
  event "credential-change" {
    when    = is(local.fact, "password")
    time    = local.time
    subject = local.person
    body = {
      credential_type   = "password"
      change_type       = is(local.activity, "4") ? "revoke" : "update"
      initiating_entity = local.by_other ? "admin" : has(raw.actor.user) ? "user" : null
      reason_admin      = raw.message
    }
  }
  event "session-established" {
    when    = is(local.fact, "session-established")
    time    = local.time
    subject = complex({ user = local.person, session = opaque(local.session), device = opaque(local.machine) })
    body    = { amr = raw.auth_factors[*].factor_type }
  }
  event "session-revoked" {
    when    = is(local.fact, "session-revoked")
    time    = local.time
    subject = complex({ user = local.person, session = opaque(local.session) })
    body    = { reason_admin = raw.message }
  }

  event "activity" {
    when    = is(local.class, "3001", "3002") && is(local.fact, "none", "session-established")
    time    = local.time
    subject = local.subject
    body = {
      action = is(local.class, "3002") ? coalesce(
        is(local.activity, "1") ? "sign-in" : null,
        is(local.activity, "2") ? "sign-out" : null,
        is(local.activity, "3", "4", "5") ? "ticket-requested" : null,
        kebab(raw.activity_name), "authentication",
      ) : coalesce(
        is(local.activity, "1") ? "account-created" : null,
        is(local.activity, "2") ? "account-enable" : null,
        is(local.activity, "3") ? "password-change" : null,
        is(local.activity, "4") ? "password-reset" : null,
        is(local.activity, "5") ? "account-disable" : null,
        is(local.activity, "6") ? "account-delete" : null,
        is(local.activity, "7") ? "policy-attached" : null,
        is(local.activity, "8") ? "policy-detached" : null,
        is(local.activity, "9") ? "account-locked" : null,
        is(local.activity, "10") ? "mfa-enabled" : null,
        is(local.activity, "11") ? "mfa-disabled" : null,
        is(local.activity, "12") ? "account-unlocked" : null,
        kebab(raw.activity_name), "account-change",
      )
      outcome     = coalesce(local.outcome, "unknown")
      source_ip   = ip(local.source.ip)
      country     = upper(regex("^[A-Za-z]{2}$", local.source.location.country))
      user_agent  = coalesce(raw.http_request.user_agent, local.source.user_agent)
      application = coalesce(raw.service.name, raw.actor.app_name)
      target      = coalesce(raw.policy.name, first(raw.policies[*].name), local.target.hostname)
      amr         = raw.auth_factors[*].factor_type
      concepts = [
        local.done && is(local.class, "3001") && is(local.activity, "9") ? "account-locked" : null,
        local.done && is(local.class, "3001") && is(local.activity, "10", "11") ? "mfa-change" : null,
        local.done && is(local.class, "3001") && is(local.activity, "10", "11") ? "credential-change" : null,
        local.done && is(local.class, "3001") && is(local.activity, "7") ? "privileged-change" : null,
      ]
    }
  }

  ecs = {
    "alert.source"      = "ocsf.${local.class}"
    "event.code"        = raw.type_uid
    "event.provider"    = coalesce(raw.metadata.product.feature.name, raw.metadata.product.name)
    "event.created"     = time(raw.metadata.logged_time, raw.metadata.logged_time_dt, local.info.created_time, local.info.created_time_dt)
    "event.start"       = time(raw.start_time, raw.start_time_dt, local.info.first_seen_time, local.info.first_seen_time_dt)
    "event.end"         = time(raw.end_time, raw.end_time_dt, local.info.last_seen_time, local.info.last_seen_time_dt)
    "event.outcome"     = local.outcome
    "event.reason"      = coalesce(raw.status_detail, raw.message, local.info.desc)
    "observer.vendor"   = raw.metadata.product.vendor_name
    "observer.product"  = raw.metadata.product.name
    "observer.version"  = raw.metadata.product.version
    "organization.id"   = coalesce(raw.metadata.tenant_uid, local.device.org.uid)
    "organization.name" = local.device.org.name
    "cloud.account.id"  = raw.cloud.account.uid
    "user.id"        = local.user.uid
    "user.name"      = contains(local.user.name, "\\") ? local.account.name : coalesce(local.user.name, local.account.name)
    "user.domain"    = coalesce(local.user.domain, local.account.domain)
    "user.email"     = local.mail
    "user.full_name" = local.user.full_name
    "group.name"     = local.user.groups[*].name
    "session.id"     = local.session
    "host.id"        = local.machine
    "host.name"      = local.host
    "host.domain"    = local.device.domain
    "host.type"      = lower(local.device.type)
    "host.ip"        = ips(local.device.ip, local.device.network_interfaces[*].ip)
    "host.mac"       = [for m in list(local.device.mac, local.device.network_interfaces[*].mac) : mac(m)]
    "host.os.name"     = local.device.os.name
    "host.os.platform" = lower(local.device.os.type)
    "host.os.version"  = local.device.os.version
    "device.id"            = local.machine
    "device.serial_number" = local.serial
    "device.manufacturer"  = coalesce(local.device.vendor_name, local.device.hw_info.vendor_name)
    "device.model.name"    = local.device.model
    "source.ip"     = ip(local.source.ip)
    "source.domain" = coalesce(local.source.domain, local.source.hostname)
    "source.as.number"            = local.source.autonomous_system.number
    "source.as.organization.name" = local.source.autonomous_system.name
    "source.geo.country_iso_code" = upper(regex("^[A-Za-z]{2}$", local.source.location.country))
    "source.geo.region_name"      = local.source.location.region
    "source.geo.city_name"        = local.source.location.city
    "destination.ip"     = ip(local.target.ip)
    "destination.domain" = coalesce(local.target.domain, local.target.hostname)
    "service.target.name" = raw.service.name
    "service.target.id"   = raw.service.uid
    "url.full"            = coalesce(local.evidence.url.url_string, raw.http_request.url.url_string)
    "user_agent.original" = coalesce(raw.http_request.user_agent, local.source.user_agent)
    "process.name"         = local.process.name
    "process.pid"          = local.process.pid
    "process.entity_id"    = local.process.uid
    "process.executable"   = coalesce(local.process.path, local.process.file.path)
    "process.command_line" = local.process.cmd_line
    "process.start"        = time(local.process.created_time, local.process.created_time_dt)
    "process.user.name"    = local.process.user.name
    "process.parent.name"         = local.process.parent_process.name
    "process.parent.pid"          = local.process.parent_process.pid
    "process.parent.command_line" = local.process.parent_process.cmd_line
    "file.name"        = local.file.name
    "file.path"        = local.file.path
    "file.size"        = local.file.size
    "file.hash.sha256" = first([for h in local.file.hashes : first(hashes(h.value)) if is(h.algorithm_id, "3") || is(h.algorithm, "SHA-256")])
    "file.hash.sha1"   = first([for h in local.file.hashes : first(hashes(h.value)) if is(h.algorithm_id, "2") || is(h.algorithm, "SHA-1")])
    "file.hash.md5"    = first([for h in local.file.hashes : first(hashes(h.value)) if is(h.algorithm_id, "1") || is(h.algorithm, "MD5")])
    "threat.tactic.name"    = list(local.info.attacks[*].tactic.name, local.info.attacks[*].tactics[*].name)
    "threat.technique.name" = list(local.info.attacks[*].technique.name)
    "related.user"  = list(raw.actor.user.name, raw.actor.user.email_addr, raw.actor.user.uid, raw.evidences[*].actor.user.name)
    "related.hosts" = list(short_host(local.host), local.device.uid_alt, raw.resources[*].uid)
    "related.ip"    = ips(raw.evidences[*].src_endpoint.ip, raw.evidences[*].dst_endpoint.ip, raw.observables[*].value)
    "related.hash"  = hashes(raw.evidences[*].file.hashes[*].value, raw.evidences[*].process.file.hashes[*].value)
    vendor = {
      class      = coalesce(raw.class_name, local.class)
      activity   = raw.activity_name
      status     = raw.status
      risk_level = coalesce(raw.risk_level, text(raw.risk_level_id))
      actor      = local.by_other ? { id = raw.actor.user.uid, name = raw.actor.user.name, email = raw.actor.user.email_addr } : null
      resources  = [for r in list(raw.resources) : { uid = r.uid, name = r.name, type = r.type }]
      compliance = { control = raw.compliance.control, standards = raw.compliance.standards, requirements = raw.compliance.requirements }
      types      = local.info.types
    }
  }
}
