# METADATA
# title: Threat alert
# description: >-
#   A credential is known to others. Sessions begun since then may be theirs and
#   end; older ones are the owner's and are named for a closer look. The
#   credential has to be changed and the risk of the user rises. What a source
#   states without a signature is proposed for approval, and the user is asked
#   for stronger authentication meanwhile. Alerts of one transaction are one
#   campaign: from the third user on everybody hit is asked. If the credential was
#   changed after the exposure, only sessions begun in between end. A password
#   that nobody changes afterwards, and one found in a breach, are
#   leaked_credentials'; a risk that a source states is compromised_account's.
# custom:
#   on: [credential-compromise]
#   needs: [user.sessions, user.risk, history.user]
#   windows: {campaign: {key: event.txn, over: 24h, count: distinct, of: user}}
#   mode: enforce
#   limit: {actions: 200, per: 1h}
#   severity: high
#   attack: [T1078, T1566]
package signals.threat_alert

import data.lib.credentials
import data.lib.people
import data.lib.sessions
import data.lib.words

# METADATA
# title: A session begun after the exposure ends
# description: A session whose beginning is not known counts as begun after it.
actions contains {
	"type": "revoke-session",
	"subject": sessions.subject(session.id, input.subject.user, input.user.keys),
	"mode": certainty,
	"reason": $"{who}: session {sessions.short(session.id)} at {session.issuer} {session.began} after {exposure}",
} if {
	input.event.type == "credential-compromise"
	some session in suspect
}

# METADATA
# title: No session is known, so all end
# description: Without an inventory nothing tells the owner's sessions from others'.
actions contains {
	"type": "revoke-session",
	"subject": input.subject.user,
	"mode": certainty,
	"reason": $"{who}: {exposure}, and no session of theirs is known to us; all end",
} if {
	input.event.type == "credential-compromise"
	count(input.user.sessions) == 0
	not renewed
}

# METADATA
# title: The credential must be changed
actions contains {
	"type": "require-credential-change",
	"subject": input.subject.user,
	"mode": certainty,
	"reason": $"{who}: {exposure}",
	"credential_type": input.event.body.credential_type,
} if {
	input.event.type == "credential-compromise"
	not renewed
}

# METADATA
# title: The risk of the user is high
# description: Only while it is not high already.
actions contains {
	"type": "raise-risk",
	"subject": input.subject.user,
	"mode": certainty,
	"reason": $"{who}: {exposure}; risk was {input.user.risk.level}",
	"principal": "USER",
	"level": "HIGH",
	"previous_level": upper(input.user.risk.level),
} if {
	input.event.type == "credential-compromise"
	input.user.risk.level in {"low", "medium"}
	not renewed
}

# METADATA
# title: The risk of the user becomes known and is high
actions contains {
	"type": "raise-risk",
	"subject": input.subject.user,
	"mode": certainty,
	"reason": $"{who}: {exposure}; no risk was known",
	"principal": "USER",
	"level": "HIGH",
} if {
	input.event.type == "credential-compromise"
	input.user.risk.level == "unknown"
	not renewed
}

# METADATA
# title: An unconfirmed alert asks for stronger authentication first
actions contains {
	"type": "step-up",
	"subject": input.subject.user,
	"reason": $"{who}: {exposure}; the statement is not signed, so the harder actions wait for approval",
} if {
	input.event.type == "credential-compromise"
	input.event.assurance in {"channel", "none"}
	not renewed
}

# METADATA
# title: A campaign asks everybody hit for stronger authentication
# description: Three or more users of one transaction within a day.
actions contains {
	"type": "step-up",
	"subject": input.subject.user,
	"reason": $"{who}: one of {input.window.campaign} users hit by campaign {input.event.txn} within a day",
} if {
	input.event.type == "credential-compromise"
	input.event.assurance in {"signed", "internal"}
	input.window.campaign >= 3
	not renewed
}

# METADATA
# title: The credential is suspect until it is changed
# description: For the rules about sessions and risk, which know this alert by its transaction.
facts["suspect"] := {
	"value": {"state": "open", "credential_type": input.event.body.credential_type, "since": input.event.time, "txn": transaction},
	"ttl": "90d",
	"of": "user",
} if {
	input.event.type == "credential-compromise"
	not renewed
}

# METADATA
# title: An older session is left alone
notes contains $"{who}: session {sessions.short(session.id)} at {session.issuer} {session.began} before {exposure}; it is left alone, look at it" if {
	input.event.type == "credential-compromise"
	some session in older
}

# METADATA
# title: The credential was changed since
notes contains $"{who}: {exposure}, but it was changed {words.duration(changed - input.event.time)} later; only sessions begun in between end" if {
	input.event.type == "credential-compromise"
	renewed
}

# METADATA
# title: A session cannot be ended alone
notes contains $"{who}: a session at {session.issuer} has no id of its own, so ending it ends all of theirs" if {
	input.event.type == "credential-compromise"
	some session in suspect
	not sessions.named(session.id, input.user.keys)
}

# METADATA
# title: A campaign is under way
notes contains $"campaign {input.event.txn}: {input.window.campaign} users with exposed credentials within a day, {who} the latest" if {
	input.event.type == "credential-compromise"
	input.window.campaign >= 3
}

# METADATA
# title: The risk is high already
notes contains $"{who}: risk is high already and stays" if {
	input.event.type == "credential-compromise"
	input.user.risk.level == "high"
}

default transaction := ""

transaction := input.event.txn

default certainty := "enforce"

certainty := "approve" if input.event.assurance in {"channel", "none"}

renewed if changed > input.event.time

changed := credentials.changed(input.user.history, input.event.body.credential_type)

# Sessions that may not be the owner's: none of them can be shown to be older
# than the exposure, or to have begun with a new credential.
suspect contains {"id": session.id, "issuer": session.issuer, "began": $"began {words.duration(session.established - input.event.time)}"} if {
	some session in input.user.sessions
	session.established >= input.event.time
	not begun_with_another(session.established)
}

suspect contains {"id": session.id, "issuer": session.issuer, "began": "may have begun"} if {
	some session in input.user.sessions
	not session.established
}

begun_with_another(time) if {
	renewed
	time > changed
}

older contains {"id": session.id, "issuer": session.issuer, "began": $"began {words.duration(input.event.time - session.established)}"} if {
	some session in input.user.sessions
	session.established < input.event.time
}

exposure := $"the {input.event.body.credential_type} credential was reported as exposed by {input.event.issuer}{why}"

why := $" ({words.message(input.event.body.reason_admin)})" if {
	input.event.body.reason_admin
} else := ""

who := people.name(input.user.keys)
