# METADATA
# title: Leaked credentials
# description: >-
#   A password turned up in a breach. If it was changed after the data was taken,
#   that is recorded and nothing else; if not, or if no change is known, it has to
#   be changed. Who has not done so three days later, or is at high risk already,
#   is proposed to be disabled: that locks people out on the word of a list, so a
#   person decides, and a configuration that gives disable-account no destination
#   has it recorded only. When a credential-compromise was reported the change, the
#   sessions and the risk are threat_alert's; this rule only waits for the change.
#   A breach by itself ends no session: the data is old when it is found.
# custom:
#   on: [breach-exposure, credential-compromise, timer]
#   needs: [user.account, user.risk, history.user, facts.user]
#   mode: enforce
#   limit: {actions: 200, per: 1h}
#   severity: medium
#   attack: [T1078, T1589.001]
package signals.leaked_credentials

import data.lib.credentials
import data.lib.people
import data.lib.words

# METADATA
# title: An exposed password must be changed
actions contains {
	"type": "require-credential-change",
	"subject": input.subject.user,
	"mode": certainty,
	"reason": $"{who}: {exposure}; {last_change}",
	"credential_type": "password",
} if {
	input.event.type == "breach-exposure"
	input.event.body.credential_type == "password"
	not renewed
	not closed
}

# METADATA
# title: An exposed password of a user at high risk
actions contains {
	"type": "disable-account",
	"subject": input.subject.user,
	"mode": "approve",
	"reason": $"{who}: {exposure}; {last_change}, and their risk is high already",
} if {
	input.event.type in {"breach-exposure", "credential-compromise"}
	input.event.body.credential_type == "password"
	input.user.risk.level == "high"
	not renewed
	not closed
}

# METADATA
# title: An exposed password has not been changed in time
actions contains {
	"type": "disable-account",
	"subject": input.subject.user,
	"mode": "approve",
	"reason": $"{who}: the password known to others since {words.duration(input.event.time - input.event.body.data.exposed)} has not been changed for {wait_days} days though it was asked for",
} if {
	input.event.type == "timer"
	input.event.body.rule == "leaked_credentials"
	input.event.body.name == "unchanged"
	not credentials.renewed(input.user.history, "password", input.event.body.data.exposed)
	not closed
}

# METADATA
# title: Wait for the password to be changed
# description: From the first report on; later ones do not give more time.
timers contains {"name": "unchanged", "after": $"{wait_days}d", "data": {"exposed": taken}} if {
	input.event.type in {"breach-exposure", "credential-compromise"}
	input.event.body.credential_type == "password"
	not renewed
	not closed
	not input.user.facts.leaked_credentials.waiting
}

# METADATA
# title: The password is waited for
facts["waiting"] := {"value": true, "ttl": $"{wait_days}d", "of": "user"} if {
	input.event.type in {"breach-exposure", "credential-compromise"}
	input.event.body.credential_type == "password"
	not renewed
	not closed
	not input.user.facts.leaked_credentials.waiting
}

# METADATA
# title: The password was changed since, so the exposure is recorded only
notes contains $"{who}: {exposure}; {last_change}, so the exposed one is of no use" if {
	input.event.type == "breach-exposure"
	input.event.body.credential_type == "password"
	renewed
}

# METADATA
# title: No password was exposed
notes contains $"{who}: {breach} exposed {what}, but no password as far as stated; nothing is to be changed for it" if {
	input.event.type == "breach-exposure"
	not password
}

wait_days := 3

# What a source states without any assurance locks nobody out on its own.
default certainty := "enforce"

certainty := "approve" if input.event.assurance == "none"

password if input.event.body.credential_type == "password"

closed if input.user.account.state in {"disabled", "purged"}

renewed if credentials.renewed(input.user.history, "password", taken)

# When the password was taken. If that is not known, the latest it can have been.
taken := input.event.body.exposed_at if {
	input.event.body.exposed_at
} else := input.event.body.published_at if {
	input.event.body.published_at
} else := input.event.time

exposure := $"the password was exposed {words.duration(input.now - taken)} ago in {breach}"

breach := $"breach {input.event.body.breach} according to {input.event.issuer}" if {
	input.event.body.breach
} else := $"a compromise according to {input.event.issuer}"

last_change := $"it was changed {words.duration(changed - taken)} later" if {
	changed > taken
} else := $"it was last changed {words.duration(taken - changed)} before that" if {
	changed
} else := "no change of it is known"

changed := credentials.changed(input.user.history, "password")

what := $"a {input.event.body.credential_type} credential" if {
	input.event.body.credential_type
} else := concat(", ", input.event.body.data_classes) if {
	count(input.event.body.data_classes) > 0
} else := "data"

who := people.name(input.user.keys)
