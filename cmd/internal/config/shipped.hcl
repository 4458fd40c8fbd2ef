# The action types that come with the product. A configuration that declares
# one of the same name changes what it mentions; "to" is never set here, so an
# action goes nowhere until the configuration says where.
#
# Members a rule may give beside reason, as action.with, are named with each.

# All sessions, or those a complex subject narrows it to, end.
action "revoke-session" {
  merge     = "10m"
  valid_for = "24h"
  emit "session-revoked" {
    body = {
      event_timestamp   = now
      initiating_entity = "policy"
      reason_admin      = { en = "${action.reason}" }
    }
  }
}

# cause: "hijacking" or "bulk-account".
action "disable-account" {
  reversible_by = "enable-account"
  merge         = "10m"
  valid_for     = "24h"
  emit "account-disabled" {
    body = {
      reason       = action.with.cause
      reason_admin = { en = "${action.reason}" }
    }
  }
}

action "enable-account" {
  reversible_by = "disable-account"
  merge         = "10m"
  valid_for     = "24h"
  emit "account-enabled" {
    body = {
      reason_admin = { en = "${action.reason}" }
    }
  }
}

action "require-credential-change" {
  merge     = "1h"
  valid_for = "24h"
  emit "account-credential-change-required" {
    body = {
      reason_admin = { en = "${action.reason}" }
    }
  }
}

# credential_type: one of the catalogue, "password" if the rule does not say.
action "credential-compromise" {
  merge     = "1h"
  valid_for = "24h"
  emit "credential-compromise" {
    body = {
      credential_type = coalesce(action.with.credential_type, "password")
      event_timestamp = now
      reason_admin    = { en = "${action.reason}" }
    }
  }
}

# level: low, medium or high, "high" if the rule does not say; previous_level;
# principal: user, device, session, tenant, org_unit or group, "user" if the
# rule does not say.
action "raise-risk" {
  reversible_by = "lower-risk"
  merge         = "10m"
  valid_for     = "24h"
  emit "risk-level-change" {
    body = {
      principal         = upper(coalesce(action.with.principal, "user"))
      current_level     = upper(coalesce(action.with.level, "high"))
      previous_level    = upper(action.with.previous_level)
      risk_reason       = "${action.reason}"
      event_timestamp   = now
      initiating_entity = "policy"
      reason_admin      = { en = "${action.reason}" }
    }
  }
}

# As raise-risk; the level is "low" if the rule does not say.
action "lower-risk" {
  merge     = "10m"
  valid_for = "24h"
  emit "risk-level-change" {
    body = {
      principal         = upper(coalesce(action.with.principal, "user"))
      current_level     = upper(coalesce(action.with.level, "low"))
      previous_level    = upper(action.with.previous_level)
      risk_reason       = "${action.reason}"
      event_timestamp   = now
      initiating_entity = "policy"
      reason_admin      = { en = "${action.reason}" }
    }
  }
}

# A request, not a fact: no event says it. It is recorded, and carried out by the
# do that a configuration gives it.
action "step-up" {
  merge     = "10m"
  valid_for = "1h"
}

# claims: the claims that change, with their new values.
action "restrict-access" {
  reversible_by = "restore-access"
  merge         = "10m"
  valid_for     = "24h"
  emit "token-claims-change" {
    body = {
      claims            = action.with.claims
      event_timestamp   = now
      initiating_entity = "policy"
      reason_admin      = { en = "${action.reason}" }
    }
  }
}

# claims: the claims that change, with their new values.
action "restore-access" {
  reversible_by = "restrict-access"
  merge         = "10m"
  valid_for     = "24h"
  emit "token-claims-change" {
    body = {
      claims            = action.with.claims
      event_timestamp   = now
      initiating_entity = "policy"
      reason_admin      = { en = "${action.reason}" }
    }
  }
}

# previous_status: "compliant" if the rule does not say.
action "device-noncompliant" {
  merge     = "10m"
  valid_for = "24h"
  emit "device-compliance-change" {
    body = {
      previous_status   = coalesce(action.with.previous_status, "compliant")
      current_status    = "not-compliant"
      event_timestamp   = now
      initiating_entity = "policy"
      reason_admin      = { en = "${action.reason}" }
    }
  }
}

# A word to people: recorded and indexed, and sent to the notifiers that a
# configuration calls with do. The body is what a do without one says there.
action "notify" {
  merge     = "10m"
  valid_for = "24h"
  do "*" {
    body = {
      text     = "${action.reason}"
      subject  = action.subject
      severity = action.severity
      rule     = action.rule
      action   = action.id
      event    = event.id
      time     = now
    }
  }
}
