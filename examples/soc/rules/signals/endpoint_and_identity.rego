# METADATA
# title: Endpoint and identity
# description: >-
#   What EDRs see on devices and what the identity provider says of users, put
#   together. A serious alert on the device of somebody who is signed in ends their
#   sessions: whoever runs the attacker's code there can use them. If the provider
#   rates the risk of the user as high within an hour before or after, the account is
#   disabled. An alert that is settled, one of somebody who is not signed in, and a
#   risk without an alert are noted and nothing else.
# custom:
#   on: [alert, risk-level-change]
#   needs: [user.sessions, user.risk, facts.user]
#   mode: enforce
#   limit: {actions: 50, per: 1h}
#   severity: high
#   attack: [T1078, T1539]
package signals.endpoint_and_identity

# METADATA
# title: A serious alert ends the sessions of who is signed in
actions contains {
	"type": "revoke-session",
	"subject": person,
	"reason": $"{who}: {alert} while signed in at {concat(", ", issuers)}",
} if {
	input.event.type == "alert"
	input.event.body.severity in {"high", "critical"}
	not settled
	count(input.user.sessions) > 0
}

# METADATA
# title: A serious alert while the risk is high disables the account
actions contains {
	"type": "disable-account",
	"subject": person,
	"reason": $"{who}: {alert} while the identity provider rates the risk as high",
} if {
	input.event.type == "alert"
	input.event.body.severity in {"high", "critical"}
	not settled
	input.user.risk.level == "high"
	input.event.time - input.user.risk.since <= hour
}

# METADATA
# title: A high risk soon after a serious alert disables the account
actions contains {
	"type": "disable-account",
	"subject": person,
	"reason": $"{who}: the identity provider rates the risk as high{cause} soon after {earlier.alert}",
} if {
	input.event.type == "risk-level-change"
	input.change.entity == "user.risk"
	input.change.to == "high"
	input.event.time - earlier.time <= hour
}

# METADATA
# title: The alert is remembered
facts["alert"] := {
	"value": {"alert": alert, "time": input.event.time, "credentials": "credential-compromise" in input.event.concepts},
	"ttl": "1d",
	"of": "user",
} if {
	input.event.type == "alert"
	input.event.body.severity in {"high", "critical"}
	not settled
}

# METADATA
# title: The alert is settled
notes contains $"{who}: {alert}, but it is settled; nothing is done" if {
	input.event.type == "alert"
	input.event.body.severity in {"high", "critical"}
	settled
}

# METADATA
# title: Nobody is signed in
notes contains $"{who}: {alert}, but no live session is known" if {
	input.event.type == "alert"
	input.event.body.severity in {"high", "critical"}
	not settled
	count(input.user.sessions) == 0
}

# METADATA
# title: A risk without an alert
notes contains $"{who}: the identity provider rates the risk as high{cause}, but no EDR has told of a device" if {
	input.event.type == "risk-level-change"
	input.change.entity == "user.risk"
	input.change.to == "high"
	not recent
}

hour := 3600

# The serious alert before this event.
earlier := input.user.facts.endpoint_and_identity.alert

recent if input.event.time - earlier.time <= hour

settled if input.event.body.state in {"resolved", "dismissed"}

settled if input.event.body.verdict in {"false_positive", "benign_positive"}

# The address applications know the user by; what an EDR calls them says nothing
# to anybody else.
person := min({key | some key in input.user.keys; startswith(key, "email:")})

who := trim_prefix(person, "email:")

issuers := {session.issuer | some session in input.user.sessions}

alert := $"{input.event.body.severity} alert of {vendor}{title}"

vendor := input.event.ecs.observer.vendor if {
	input.event.ecs.observer.vendor
} else := input.event.source

title := $" ({input.event.body.title})" if {
	input.event.body.title
} else := ""

cause := $" ({input.event.body.risk_reason})" if {
	input.event.body.risk_reason
} else := ""
