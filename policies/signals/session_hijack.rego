# METADATA
# title: Session hijack
# description: >-
#   A live session seems to be used by somebody else: another user agent presents
#   it, its address changes while the user is at risk, or its own risk is high.
#   That session ends; all of the user's do when a credential of theirs was
#   reported as compromised and not changed since, because then whoever took one
#   can begin the next. Another user agent alone is weak evidence, since browsers
#   update themselves in the middle of a session: the end is proposed for approval
#   and the user is asked for stronger authentication meanwhile, unless their risk
#   is raised already. The same holds for statements without a signature. An
#   address alone is no evidence at all. Where places are is not known, so travel
#   is left to sources that do know and state a risk. A risk of the user is
#   compromised_account's, the credential itself threat_alert's, a session that
#   may not be in use at all session_inventory's or unplanned_leaver's.
# custom:
#   on: [session-presented, ip-change, risk-level-change, credential-change]
#   needs: [session, user.account, user.risk, facts.user]
#   mode: enforce
#   limit: {actions: 50, per: 1h}
#   severity: high
#   attack: [T1539, T1550.004]
package signals.session_hijack

import data.lib.credentials
import data.lib.people
import data.lib.sessions
import data.lib.words

# METADATA
# title: Another user agent presents the session, so it ends
actions contains {
	"type": "revoke-session",
	"subject": target,
	"mode": agent_certainty,
	"reason": $"{session}: {other_agent}{standing}",
} if {
	input.event.type == "session-presented"
	input.session.ua_changed == true
	input.session.state == "live"
	not closed
	not suspect
}

# METADATA
# title: Another user agent presents the session, so stronger authentication is asked for
# description: While its end waits for approval.
actions contains {
	"type": "step-up",
	"subject": target,
	"reason": $"{session}: {other_agent}; ending it waits for approval",
} if {
	input.event.type == "session-presented"
	input.session.ua_changed == true
	input.session.state == "live"
	agent_certainty == "approve"
	not closed
	not suspect
}

# METADATA
# title: Another user agent presents the session and a credential is suspect, so all end
actions contains {
	"type": "revoke-session",
	"subject": person,
	"mode": certainty,
	"reason": $"{session}: {other_agent}; {all}",
} if {
	input.event.type == "session-presented"
	input.session.ua_changed == true
	input.session.state == "live"
	not closed
	suspect
}

# METADATA
# title: The session is at high risk, so it ends
actions contains {
	"type": "revoke-session",
	"subject": target,
	"mode": certainty,
	"reason": $"{session}: {at_risk}",
} if {
	input.event.type == "risk-level-change"
	input.event.body.principal == "SESSION"
	input.event.body.current_level == "HIGH"
	not closed
	not suspect
}

# METADATA
# title: The session is at high risk and a credential is suspect, so all end
actions contains {
	"type": "revoke-session",
	"subject": person,
	"mode": certainty,
	"reason": $"{session}: {at_risk}; {all}",
} if {
	input.event.type == "risk-level-change"
	input.event.body.principal == "SESSION"
	input.event.body.current_level == "HIGH"
	not closed
	suspect
}

# METADATA
# title: The address changes at high risk, so the session ends
actions contains {
	"type": "revoke-session",
	"subject": target,
	"mode": certainty,
	"reason": $"{session}: {moved} while the risk of the user is high",
} if {
	input.event.type == "ip-change"
	input.user.risk.level == "high"
	not closed
}

# METADATA
# title: The address changes at raised risk, so stronger authentication is asked for
# description: Also at high risk if the event does not name the session to end.
actions contains {
	"type": "step-up",
	"subject": reachable,
	"reason": $"{session}: {moved} while the risk of the user is {input.user.risk.level}{unnamed}",
} if {
	input.event.type == "ip-change"
	input.user.risk.level in {"medium", "high"}
	not ended_for_address
	not closed
}

# METADATA
# title: The suspect credential was changed
facts["replaced"] := {
	"value": {"credential_type": input.event.body.credential_type, "since": input.event.time},
	"ttl": "90d",
	"of": "user",
} if {
	input.event.type == "credential-change"
	input.user.facts.threat_alert.suspect.state == "open"
	input.event.body.credential_type == input.user.facts.threat_alert.suspect.credential_type
}

# METADATA
# title: A session at high risk is not named
notes contains $"{input.subject.key}: {at_risk}, but the session is not named; none is ended" if {
	input.event.type == "risk-level-change"
	input.event.body.principal == "SESSION"
	input.event.body.current_level == "HIGH"
	not input.subject.session
	not suspect
}

default certainty := "enforce"

certainty := "approve" if input.event.assurance in {"channel", "none"}

default agent_certainty := "approve"

agent_certainty := certainty if input.user.risk.level in {"medium", "high"}

suspect := credentials.suspect(input.user.facts)

closed if input.user.account.state in {"disabled", "purged"}

ended_for_address if {
	input.user.risk.level == "high"
	input.subject.session
}

target := {"user": input.subject.user, "session": input.subject.session} if {
	input.subject.user
} else := input.subject.session

# What an address change can be held against: the session, or only its user.
reachable := target if {
	input.subject.session
} else := person

person := people.shared_key(input.subject.user, input.user.keys) if {
	input.subject.user
} else := input.user.id

session := $"{who}: session {sessions.short(input.subject.session)}" if {
	input.subject.session
} else := who

who := people.name(input.user.keys) if {
	input.user.keys
} else := "somebody unknown"

other_agent := $"presented at {input.event.issuer} by user agent {input.event.body.fp_ua}, established by {input.session.ua}{age}"

age := $" {words.duration(input.event.time - input.session.established)} earlier" if {
	input.event.time >= input.session.established
} else := ""

standing := $", and the risk of the user is {input.user.risk.level}" if {
	input.user.risk.level in {"medium", "high"}
} else := ", which a browser that updates itself does too"

at_risk := $"risk is high according to {input.event.issuer}{why}"

why := $" ({input.event.body.risk_reason})" if {
	input.event.body.risk_reason
} else := $" ({words.message(input.event.body.reason_admin)})" if {
	input.event.body.reason_admin
} else := ""

all := $"the {suspect} credential is known to others since {words.duration(input.event.time - input.user.facts.threat_alert.suspect.since)}, so all sessions end"

moved := $"the address changed from {input.event.body.previous_ip_address} to {input.event.body.current_ip_address}"

unnamed := ", and the session to end is not named" if {
	input.user.risk.level == "high"
} else := ""
