# METADATA
# title: Compromised account
# description: >-
#   The risk of a user has become high, or their account was disabled as hijacked.
#   Of three answers the mildest that is enough is chosen, and the reason says why
#   a milder one is not. Stronger authentication is enough on the word of one
#   source. Access is restricted if a second source sees a risk as well, or if
#   stronger authentication was asked for within a day and the risk is high again.
#   All sessions end if a credential is known to others and was not changed since,
#   or if the account was hijacked. The harder two wait for approval if the
#   statement is not signed, with stronger authentication asked for meanwhile.
#   Restricted access is restored when no source sees a high risk any more. A
#   repeated statement of one source changes nothing and is not acted on, nor is
#   one in the transaction of a credential-compromise: threat_alert has answered
#   that and had the risk raised itself. The risk of a session is session_hijack's,
#   accounts closed for other reasons are unplanned_leaver's.
# custom:
#   on: [risk-level-change, user-risk-change, account-disabled]
#   needs: [user.account, user.risk, facts.user]
#   mode: enforce
#   limit: {actions: 100, per: 1h}
#   severity: high
#   attack: [T1078]
package signals.compromised_account

import data.lib.credentials
import data.lib.people
import data.lib.words

# METADATA
# title: Stronger authentication is enough
actions contains {
	"type": "step-up",
	"subject": person,
	"reason": $"{who}: {at_risk}; no second source sees a risk and no credential is known to others, so stronger authentication is enough",
} if {
	input.change.entity == "user.risk"
	input.change.to == "high"
	input.change.applied == true
	choice == "step-up"
	not closed
	not answered
}

# METADATA
# title: Stronger authentication until a harder answer is approved
actions contains {
	"type": "step-up",
	"subject": person,
	"reason": $"{who}: {at_risk}; the statement is not signed, so {choice} waits for approval",
} if {
	input.change.entity == "user.risk"
	input.change.to == "high"
	input.change.applied == true
	input.event.assurance in {"channel", "none"}
	choice in {"restrict-access", "revoke-session"}
	not closed
	not answered
}

# METADATA
# title: Access is restricted
actions contains {
	"type": "restrict-access",
	"subject": person,
	"mode": certainty,
	"reason": $"{who}: {at_risk}; stronger authentication is not enough: {insufficient}",
	"claims": {"risk_level": "high"},
} if {
	input.change.entity == "user.risk"
	input.change.to == "high"
	input.change.applied == true
	choice == "restrict-access"
	not closed
	not answered
}

# METADATA
# title: All sessions end
actions contains {
	"type": "revoke-session",
	"subject": person,
	"mode": certainty,
	"reason": $"{who}: {at_risk}; stronger authentication or restricted access is not enough: {held_by_others}, so a session may be theirs",
} if {
	input.change.entity == "user.risk"
	input.change.to == "high"
	input.change.applied == true
	choice == "revoke-session"
	not closed
	not answered
}

# METADATA
# title: The account was hijacked, so all sessions end
actions contains {
	"type": "revoke-session",
	"subject": person,
	"mode": certainty,
	"reason": $"{who}: account disabled as hijacked by {input.event.issuer}; stronger authentication or restricted access is not enough: somebody else is in, and open sessions outlive a disabled account",
} if {
	input.event.type == "account-disabled"
	input.event.body.reason == "hijacking"
}

# METADATA
# title: No source sees a high risk any more, so access is restored
actions contains {
	"type": "restore-access",
	"subject": person,
	"reason": $"{who}: the risk is {input.change.to} according to {input.event.issuer} and high to nobody; access was restricted for it",
	"claims": {"risk_level": input.change.to},
} if {
	input.change.entity == "user.risk"
	input.change.to in {"low", "medium"}
	input.change.applied == true
	input.user.facts.compromised_account.answer == "restrict-access"
	count(others & {"high"}) == 0
}

# METADATA
# title: Stronger authentication is remembered for a day
facts["asked"] := {"value": input.event.time, "ttl": "1d", "of": "user"} if {
	input.change.entity == "user.risk"
	input.change.to == "high"
	input.change.applied == true
	choice == "step-up"
	not closed
	not answered
}

# METADATA
# title: Restricted access is remembered until it is restored
facts["answer"] := {"value": "restrict-access", "ttl": "90d", "of": "user"} if {
	input.change.entity == "user.risk"
	input.change.to == "high"
	input.change.applied == true
	choice == "restrict-access"
	not closed
	not answered
}

# METADATA
# title: Access is no longer restricted
facts["answer"] := {"value": "restore-access", "ttl": "1d", "of": "user"} if {
	input.change.entity == "user.risk"
	input.change.to in {"low", "medium"}
	input.change.applied == true
	input.user.facts.compromised_account.answer == "restrict-access"
	count(others & {"high"}) == 0
}

# METADATA
# title: The account is closed already
notes contains $"{who}: {at_risk}, but the account is {input.user.account.state}; nothing more is done" if {
	input.change.entity == "user.risk"
	input.change.to == "high"
	input.change.applied == true
	closed
}

# METADATA
# title: The risk follows from an alert
notes contains $"{who}: {at_risk}, which follows from the credential alert of transaction {input.event.txn}; that was answered already" if {
	input.change.entity == "user.risk"
	input.change.to == "high"
	input.change.applied == true
	not closed
	answered
}

# METADATA
# title: Access stays restricted for another source
notes contains $"{who}: the risk is {input.change.to} according to {input.event.issuer}, but still high to another source; access stays restricted" if {
	input.change.entity == "user.risk"
	input.change.to in {"low", "medium"}
	input.change.applied == true
	input.user.facts.compromised_account.answer == "restrict-access"
	count(others & {"high"}) > 0
}

# The mildest answer that is enough.
choice := "revoke-session" if {
	suspect
} else := "restrict-access" if {
	count(others & {"medium", "high"}) > 0
} else := "restrict-access" if {
	input.user.facts.compromised_account.asked
} else := "step-up"

insufficient := "a second source sees a risk as well" if {
	count(others & {"medium", "high"}) > 0
} else := $"it was asked for {words.duration(input.event.time - input.user.facts.compromised_account.asked)} ago and the risk is high again"

held_by_others := $"the {suspect} credential is known to others and not changed since"

suspect := credentials.suspect(input.user.facts)

# The levels that other sources state.
others contains source.level if {
	some source in input.user.risk.sources
	source.issuer != input.event.issuer
}

default certainty := "enforce"

certainty := "approve" if input.event.assurance in {"channel", "none"}

closed if input.user.account.state in {"disabled", "purged"}

# The statement belongs to an alert that threat_alert has dealt with.
answered if input.event.txn == input.user.facts.threat_alert.suspect.txn

person := people.shared_key(input.subject.user, input.user.keys)

at_risk := $"risk is high according to {input.event.issuer}, {before}{why}"

before := "not known before" if {
	input.change.from == "unknown"
} else := $"{input.change.from} before"

why := $" ({input.event.body.risk_reason})" if {
	input.event.body.risk_reason
} else := $" ({words.message(input.event.body.reason_admin)})" if {
	input.event.body.reason_admin
} else := ""

who := people.name(input.user.keys)
