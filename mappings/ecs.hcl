# Records that are documents of the Elastic Common Schema already: from agents and
# integrations, the alerts of detection rules (kibana.alert.*), and pages of search
# results ({"hits": {"hits": [{"_source": …}]}}). Names may be nested or dotted.
#
# event.kind decides: alert and signal become alerts, event and state become
# activities, measurements and inventories make nothing. Who was acted on
# (user.target) is the user of the event, who acted is vendor.actor.
mapping "ecs" {
  title  = "Documents of the Elastic Common Schema"
  vendor = "ecs"
  unwrap = ["hits", "_source"]
  when   = has(raw.ecs.version) || has(raw.event.kind) || has(raw.event.category) || has(raw.kibana.alert.uuid)

  enum "severity" {
    informational = ["informational", "info"]
    low           = ["low"]
    medium        = ["medium", "moderate"]
    high          = ["high"]
    critical      = ["critical"]
  }
  enum "state" {
    new         = ["open"]
    in_progress = ["acknowledged", "in-progress"]
    resolved    = ["closed", "recovered"]
  }
  enum "verdict" { # why an alert was closed
    true_positive   = ["true_positive"]
    false_positive  = ["false_positive"]
    benign_positive = ["benign_positive"]
    undetermined    = ["duplicate", "automated_closure", "other"]
  }
  enum "outcome" {
    success = ["success"]
    failure = ["failure"]
    unknown = ["unknown"]
  }

  locals {
    kind    = coalesce(raw.event.kind, has(raw.kibana.alert.uuid) ? "signal" : null, "event")
    alert   = is(local.kind, "alert", "signal")
    dataset = coalesce(raw.event.dataset, raw.data_stream.dataset, raw.event.module)
    rule    = coalesce(raw.kibana.alert.rule.name, raw.rule.name)

    # The numbers that rules of Elastic use; the scale of smaller ones is the
    # product's own.
    severity = coalesce(
      clean(enum("severity", raw.kibana.alert.severity), "unknown"),
      band(raw.event.severity, [10, "informational"], [21, "low"], [47, "medium"], [73, "high"], [99, "critical"]),
      band(coalesce(raw.kibana.alert.risk_score, raw.event.risk_score_norm), [0, "low"], [22, "medium"], [48, "high"], [74, "critical"]),
      "unknown",
    )

    techniques = techniques(
      raw.threat.technique.id, raw.threat.technique.subtechnique.id, raw.threat[*].technique[*].id, raw.threat[*].technique[*].subtechnique[*].id,
      raw.kibana.alert.rule.threat[*].technique[*].id, raw.kibana.alert.rule.threat[*].technique[*].subtechnique[*].id,
    )
    tactic_ids   = list(raw.threat.tactic.id, raw.threat[*].tactic[*].id, raw.kibana.alert.rule.threat[*].tactic[*].id)
    tactic_names = list(raw.threat.tactic.name, raw.threat[*].tactic[*].name, raw.kibana.alert.rule.threat[*].tactic[*].name)
    tactics      = tactics(length(local.tactic_ids) > 0 ? local.tactic_ids : local.tactic_names)
    words        = list(local.rule, raw.event.code, raw.event.category, raw.rule.category)

    acted_on = has(raw.user.target.id) || has(raw.user.target.name) || has(raw.user.target.email)
    user = local.acted_on ? {
      id = raw.user.target.id, name = first(raw.user.target.name), email = first(raw.user.target.email), domain = raw.user.target.domain, full_name = raw.user.target.full_name, roles = raw.user.target.roles
    } : {
      id = raw.user.id, name = first(raw.user.name), email = first(raw.user.email), domain = raw.user.domain, full_name = raw.user.full_name, roles = raw.user.roles
    }
    account  = account(coalesce(local.user.name, local.user.email))
    mail     = coalesce(address(local.user.email), local.account.email)
    user_id  = account_id(local.user.id)
    person   = machine(local.user.name) ? null : aliases(email(local.mail), iss_sub(coalesce(raw.event.module, "ecs"), local.user_id))
    device   = coalesce(raw.host.id, raw.device.id)
    host     = lower(first(coalesce(raw.host.name, raw.host.hostname)))
    subject  = complex({ user = local.person, device = opaque(local.device) })

    hashes = hashes(raw.related.hash, raw.file.hash.sha256, raw.process.hash.sha256)
  }

  skip "measurements and inventories" {
    when = is(local.kind, "metric", "asset", "enrichment", "pipeline_error")
  }

  event "alert" {
    when    = local.alert
    time    = time(raw.kibana.alert.original_time, raw["@timestamp"], raw.event.created)
    subject = local.subject
    body = {
      alert_id = coalesce(raw.kibana.alert.uuid, raw.event.id, raw.event.hash, meta.position == "" ? null : meta.position, sha256(join(" ", list(raw["@timestamp"], local.rule, raw.message, local.device))))
      severity = local.severity
      state    = coalesce(enum("state", raw.kibana.alert.workflow_status), is(raw.kibana.alert.status, "recovered") ? "resolved" : null)
      verdict  = is(raw.kibana.alert.workflow_status, "closed") ? clean(enum("verdict", raw.kibana.alert.workflow_reason), "unknown") : null
      disposition = coalesce(
        bool(raw.file.Ext.quarantine_result) ? "quarantined" : null,
        is(raw.event.type, "denied") ? "blocked" : null,
        is(raw.event.type, "allowed") ? "allowed" : null,
        "unknown",
      )
      title      = coalesce(local.rule, raw.message, raw.event.action)
      reason     = coalesce(raw.kibana.alert.reason, raw.event.reason, raw.message)
      rule_id    = coalesce(raw.kibana.alert.rule.rule_id, raw.kibana.alert.rule.uuid, raw.rule.id)
      rule_name  = local.rule
      techniques = local.techniques
      tactics    = local.tactics
      risk_score = coalesce(number(raw.kibana.alert.risk_score), number(raw.event.risk_score_norm))
      url        = coalesce(raw.kibana.alert.url, raw.event.url, raw.event.reference)
      concepts = [
        has(local.device) || has(local.host) ? "device-risk" : null,
        !has(local.device) && !has(local.host) && has(local.user) ? "user-risk" : null,
        starts_with(local.techniques, "T1003", "T1555", "T1552", "T1558", "T1539", "T1606") ? "credential-compromise" : null,
        contains(local.words, "ransom") ? "ransomware" : null,
        contains(local.words, "malware", "malicious_file") ? "malware" : null,
        starts_with(local.techniques, "T1566") ? "phishing" : null,
        is(local.tactics, "TA0008") ? "lateral-movement" : null,
        is(local.tactics, "TA0010") ? "exfiltration" : null,
      ]
    }
    ecs = {
      "alert.source"     = "ecs.${local.dataset}"
      "alert.updated"    = time(raw.kibana.alert.workflow_status_updated_at)
      "alert.case_id"    = first(raw.kibana.alert.case_ids)
      "event.risk_score" = raw.event.risk_score
      "related.hash"     = local.hashes
    }
  }

  event "activity" {
    when    = !local.alert
    time    = time(raw["@timestamp"], raw.event.created)
    subject = local.subject
    body = {
      action = coalesce(
        is(raw.event.category, "authentication") && is(raw.event.type, "start") ? "sign-in" : null,
        is(raw.event.category, "authentication") && is(raw.event.type, "end") ? "sign-out" : null,
        first(raw.event.action), raw.event.code, local.kind,
      )
      outcome     = clean(enum("outcome", raw.event.outcome))
      source_ip   = ip(first(coalesce(raw.source.ip, raw.client.ip)))
      country     = upper(regex("^[A-Za-z]{2}$", coalesce(raw.source.geo.country_iso_code, raw.client.geo.country_iso_code)))
      user_agent  = raw.user_agent.original
      application = coalesce(raw.service.target.name, raw.service.name)
      target      = coalesce(raw.group.name, raw.destination.domain)
      concepts = [
        is(raw.event.category, "iam") && is(raw.event.type, "admin") && !is(raw.event.outcome, "failure") ? "privileged-change" : null,
      ]
    }
    ecs = { "related.hash" = local.hashes }
  }

  ecs = {
    "event.code"      = raw.event.code
    "event.provider"  = coalesce(raw.event.provider, local.dataset)
    "event.created"   = time(raw.event.created)
    "event.start"     = raw.event.start
    "event.end"       = raw.event.end
    "event.reason"    = coalesce(raw.kibana.alert.reason, raw.event.reason)
    "event.reference" = raw.event.reference
    "log.level"       = raw.log.level
    "transaction.id"  = raw.transaction.id
    "organization.id"   = raw.organization.id
    "organization.name" = raw.organization.name
    "cloud.account.id"  = raw.cloud.account.id
    "observer.vendor"   = coalesce(raw.observer.vendor, raw.event.module)
    "observer.product"  = coalesce(raw.observer.product, raw.agent.type)
    "observer.type"     = coalesce(raw.observer.type, is(raw.event.module, "endpoint") ? "edr" : null)
    "observer.version"  = coalesce(raw.observer.version, raw.agent.version)
    "user.id"        = local.user.id
    "user.name"      = contains(local.user.name, "\\") ? local.account.name : coalesce(local.user.name, local.account.name)
    "user.domain"    = coalesce(local.user.domain, local.account.domain)
    "user.email"     = local.mail
    "user.full_name" = local.user.full_name
    "user.roles"     = local.user.roles
    "group.name"     = list(raw.group.name)
    "host.id"           = raw.host.id
    "host.name"         = local.host
    "host.hostname"     = raw.host.hostname
    "host.domain"       = raw.host.domain
    "host.type"         = raw.host.type
    "host.architecture" = raw.host.architecture
    "host.ip"           = ips(raw.host.ip)
    "host.mac"          = [for m in list(raw.host.mac) : mac(m)]
    "host.os.type"      = raw.host.os.type
    "host.os.platform"  = raw.host.os.platform
    "host.os.name"      = raw.host.os.name
    "host.os.full"      = raw.host.os.full
    "host.os.version"   = raw.host.os.version
    "device.id"            = local.device
    "device.serial_number" = raw.device.serial_number
    "device.manufacturer"  = raw.device.manufacturer
    "device.model.name"    = raw.device.model.name
    "device.model.identifier" = raw.device.model.identifier
    "service.target.name"  = raw.service.target.name
    "service.target.id"    = raw.service.target.id
    "source.ip"     = ip(first(raw.source.ip))
    "source.domain" = raw.source.domain
    "source.as.number"            = raw.source.as.number
    "source.as.organization.name" = raw.source.as.organization.name
    "source.geo.country_iso_code" = upper(regex("^[A-Za-z]{2}$", coalesce(raw.source.geo.country_iso_code, raw.client.geo.country_iso_code)))
    "source.geo.country_name"     = raw.source.geo.country_name
    "source.geo.region_name"      = raw.source.geo.region_name
    "source.geo.city_name"        = raw.source.geo.city_name
    "client.ip"          = ip(first(raw.client.ip))
    "destination.ip"     = ip(first(raw.destination.ip))
    "destination.domain" = raw.destination.domain
    "url.original" = raw.url.original
    "url.full"     = raw.url.full
    "url.domain"   = raw.url.domain
    "user_agent.original"    = raw.user_agent.original
    "user_agent.name"        = raw.user_agent.name
    "user_agent.os.name"     = raw.user_agent.os.name
    "user_agent.device.name" = raw.user_agent.device.name
    "process.name"         = raw.process.name
    "process.executable"   = raw.process.executable
    "process.command_line" = raw.process.command_line
    "process.entity_id"    = raw.process.entity_id
    "process.pid"          = raw.process.pid
    "process.start"        = raw.process.start
    "process.end"          = raw.process.end
    "process.user.name"    = raw.process.user.name
    "process.hash.sha256"  = first(hashes(raw.process.hash.sha256))
    "process.hash.sha1"    = first(hashes(raw.process.hash.sha1))
    "process.hash.md5"     = first(hashes(raw.process.hash.md5))
    "process.parent.name"         = raw.process.parent.name
    "process.parent.executable"   = raw.process.parent.executable
    "process.parent.command_line" = raw.process.parent.command_line
    "process.parent.entity_id"    = raw.process.parent.entity_id
    "process.parent.pid"          = raw.process.parent.pid
    "file.name"        = raw.file.name
    "file.path"        = raw.file.path
    "file.size"        = raw.file.size
    "file.hash.sha256" = first(hashes(raw.file.hash.sha256))
    "file.hash.sha1"   = first(hashes(raw.file.hash.sha1))
    "file.hash.md5"    = first(hashes(raw.file.hash.md5))
    "email.subject"      = raw.email.subject
    "email.message_id"   = raw.email.message_id
    "email.from.address" = list(raw.email.from.address)
    "email.to.address"   = list(raw.email.to.address)
    "threat.tactic.name"    = local.tactic_names
    "threat.technique.name" = list(raw.threat.technique.name, raw.threat[*].technique[*].name, raw.kibana.alert.rule.threat[*].technique[*].name)
    "rule.ruleset"     = raw.rule.ruleset
    "rule.category"    = raw.rule.category
    "rule.description" = coalesce(raw.kibana.alert.rule.description, raw.rule.description)
    "session.id"    = raw.session.id
    "tags"          = contains(list(raw.file.name, raw.file.path), "eicar") || is(raw.tags, "test-event") ? ["test-event"] : null
    "related.user"  = list(raw.related.user, raw.user.name, raw.user.email)
    "related.hosts" = list(raw.related.hosts, short_host(local.host))
    "related.ip"    = ips(raw.related.ip)
    vendor = {
      kind     = local.kind
      action   = raw.event.action
      category = raw.event.category
      type     = raw.event.type
      dataset  = local.dataset
      tags     = raw.tags
      labels   = raw.labels
      agent    = { id = raw.agent.id, name = raw.agent.name }
      actor    = local.acted_on ? { id = raw.user.id, name = raw.user.name, email = raw.user.email } : null
    }
  }
}
