# METADATA
# title: Compromised credential
# description: >-
#   A feed reports a password as known to others. Feeds are often late and sometimes
#   wrong, so a change is proposed and a person decides. If an EDR sees credentials
#   being stolen from a device of the same user, within a day before or after, nobody
#   is asked.
# custom:
#   on: [credential-compromise, alert]
#   needs: [facts.user]
#   mode: enforce
#   limit: {actions: 50, per: 1h}
#   severity: high
#   attack: [T1078, T1555]
package signals.compromised_credential

# METADATA
# title: A report alone proposes a change
actions contains {
	"type": "require-credential-change",
	"subject": person,
	"mode": "approve",
	"credential_type": input.event.body.credential_type,
	"reason": $"{who}: {report}",
} if {
	input.event.type == "credential-compromise"
	not stolen
}

# METADATA
# title: A report after a theft on the device demands a change
actions contains {
	"type": "require-credential-change",
	"subject": person,
	"credential_type": input.event.body.credential_type,
	"reason": $"{who}: {report} after {earlier.alert}",
} if {
	input.event.type == "credential-compromise"
	stolen
}

# METADATA
# title: A theft on the device after a report demands a change
actions contains {
	"type": "require-credential-change",
	"subject": person,
	"credential_type": reported.credential_type,
	"reason": $"{who}: {reported.report}, and now credentials are stolen from a device{title}",
} if {
	input.event.type == "alert"
	"credential-compromise" in input.event.concepts
	not settled
	input.event.time - reported.time <= day
}

# METADATA
# title: The report is remembered
facts["report"] := {
	"value": {"report": report, "time": input.event.time, "credential_type": input.event.body.credential_type},
	"ttl": "1d",
	"of": "user",
} if {
	input.event.type == "credential-compromise"
}

day := 86400

# The serious alert that endpoint_and_identity remembers, and the report that this
# rule does.
earlier := input.user.facts.endpoint_and_identity.alert

reported := input.user.facts.compromised_credential.report

stolen if {
	earlier.credentials
	input.event.time - earlier.time <= day
}

settled if input.event.body.state in {"resolved", "dismissed"}

settled if input.event.body.verdict in {"false_positive", "benign_positive"}

person := min({key | some key in input.user.keys; startswith(key, "email:")})

who := trim_prefix(person, "email:")

report := $"{input.event.issuer} reports a {input.event.body.credential_type} as known to others{source}"

source := $" ({input.event.body.reason_admin.en})" if {
	input.event.body.reason_admin.en
} else := ""

title := $" ({input.event.body.title})" if {
	input.event.body.title
} else := ""
