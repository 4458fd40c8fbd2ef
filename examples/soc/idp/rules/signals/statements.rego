# METADATA
# title: What the log tells is stated
# description: >-
#   The sessions, risks and credentials of users that the identity provider has in
#   its log go to the receivers of its streams, one token for each event.
# custom:
#   on: [session-established, session-revoked, risk-level-change, credential-change]
#   needs: []
#   mode: enforce
#   limit: {actions: 1000, per: 1m}
#   severity: low
package signals.statements

# METADATA
# title: A session began
actions contains {
	"type": "state-session-established",
	"subject": {"user": person, "session": input.subject.session},
	"key": input.event.id,
	"reason": $"{person} signed in",
} if {
	input.event.type == "session-established"
}

# METADATA
# title: Sessions ended
actions contains {
	"type": "state-session-revoked",
	"subject": person,
	"key": input.event.id,
	"reason": why,
} if {
	input.event.type == "session-revoked"
}

# METADATA
# title: The risk of a user changed
actions contains {
	"type": "state-risk",
	"subject": person,
	"key": input.event.id,
	"level": input.event.body.current_level,
	"before": before,
	"reason": input.event.body.risk_reason,
} if {
	input.event.type == "risk-level-change"
	input.event.body.principal == "USER"
}

# METADATA
# title: A credential changed
actions contains {
	"type": "state-credential-change",
	"subject": person,
	"key": input.event.id,
	"credential": input.event.body.credential_type,
	"change": input.event.body.change_type,
	"reason": $"{person}: {input.event.body.credential_type} changed",
} if {
	input.event.type == "credential-change"
}

why := input.event.body.reason_admin.en if {
	input.event.body.reason_admin.en
} else := "sessions ended"

before := input.event.body.previous_level if {
	input.event.body.previous_level
} else := null

# Receivers know people by address; the provider's own ids stay inside.
person := min({key | some key in input.user.keys; startswith(key, "email:")})
