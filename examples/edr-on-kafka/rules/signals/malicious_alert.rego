# METADATA
# title: Malicious alert
# description: >-
#   An EDR alert of high or critical severity that nobody has dismissed: whoever
#   runs the attacker's code on a device can use the sessions that are open on it.
#   The user's sessions end. If the alert is about stolen credentials, the
#   credential has to be changed as well; a person decides that, since the record
#   is vouched for by its topic alone. An alert that the product has dealt with,
#   or that turned out to be harmless, is recorded and nothing else.
# custom:
#   on: [alert]
#   needs: []
#   mode: enforce
#   limit: {actions: 50, per: 1h}
#   severity: high
#   attack: [T1078]
package signals.malicious_alert

# METADATA
# title: The sessions of the user end
actions contains {
	"type": "revoke-session",
	"subject": person,
	"reason": reason,
} if {
	input.event.type == "alert"
	input.event.body.severity in {"high", "critical"}
	person
	not settled
}

# METADATA
# title: Stolen credentials have to be changed
# description: A person decides.
actions contains {
	"type": "require-credential-change",
	"subject": person,
	"mode": "approve",
	"reason": reason,
	"credential_type": "password",
} if {
	input.event.type == "alert"
	input.event.body.severity in {"high", "critical"}
	"credential-compromise" in input.event.concepts
	person
	not settled
}

# METADATA
# title: The alert is settled
notes contains $"{person}: {input.event.body.severity} alert of {input.event.source}, but it is settled; nothing is done" if {
	input.event.type == "alert"
	input.event.body.severity in {"high", "critical"}
	settled
}

settled if input.event.body.state in {"resolved", "dismissed"}

settled if input.event.body.verdict in {"false_positive", "benign_positive"}

# The address applications know the user by; what CrowdStrike calls them says
# nothing to anybody else.
person := min(addresses) if {
	count(addresses) > 0
} else := input.subject.user

addresses := {key | some key in input.user.keys; startswith(key, "email:")}

reason := $"{person}: {input.event.body.severity} alert of {input.event.source}{title}"

title := $" ({input.event.body.title})" if {
	input.event.body.title
} else := ""
