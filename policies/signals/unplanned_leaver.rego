# METADATA
# title: Unplanned leaver
# description: >-
#   Somebody left at once: their account was closed by the directory, or
#   personnel ended their employment. All their sessions end everywhere, the
#   account is disabled where personnel spoke first, and a session seen
#   afterwards is ended and reported: the order was not honoured there. Accounts
#   disabled as hijacked have an owner who is still here: their sessions are
#   compromised_account's, and session_inventory's afterwards.
# custom:
#   on:
#     - account-disabled
#     - account-purged
#     - prov:deactivate
#     - prov:delete
#     - employment-change
#     - session-established
#     - session-presented
#   needs: [user.account]
#   mode: enforce
#   limit: {actions: 100, per: 1h}
#   severity: high
#   attack: [T1078]
package signals.unplanned_leaver

import data.lib.people
import data.lib.words

# METADATA
# title: The account was closed, so its sessions end
# description: An account disabled because it was hijacked has an owner who is still here.
actions contains {
	"type": "revoke-session",
	"subject": person,
	"reason": $"{who}: {closing[input.event.type]} by {input.event.issuer}; all sessions end",
} if {
	input.event.type in {"account-disabled", "account-purged", "prov:deactivate", "prov:delete"}
	not hijacked
}

# METADATA
# title: Employment was terminated, so the sessions end
actions contains {
	"type": "revoke-session",
	"subject": person,
	"reason": $"{who}: employment terminated according to {input.event.issuer}; all sessions end",
} if {
	input.event.type == "employment-change"
	input.event.body.change == "terminated"
}

# METADATA
# title: Employment was terminated, so the account is disabled
# description: Only while it is not closed already.
actions contains {
	"type": "disable-account",
	"subject": person,
	"reason": $"{who}: employment terminated according to {input.event.issuer}; the account was {input.user.account.state}",
} if {
	input.event.type == "employment-change"
	input.event.body.change == "terminated"
	input.user.account.state in {"enabled", "unknown"}
}

# METADATA
# title: A session of a closed account was seen
# description: The session named by the event ends, or all of them if it names none.
actions contains {
	"type": "revoke-session",
	"reason": $"{who}: session in use at {input.event.issuer} though the account is {input.user.account.state}{since}",
} if {
	input.event.type in {"session-established", "session-presented"}
	input.user.account.state in {"disabled", "purged"}
	not hijacked_account
	after_closing
}

# METADATA
# title: The order to end sessions was not honoured
notes contains $"{input.event.issuer} still accepts {who}, whose account is {input.user.account.state}{since}: the order to end sessions was not honoured there" if {
	input.event.type in {"session-established", "session-presented"}
	input.user.account.state in {"disabled", "purged"}
	not hijacked_account
	after_closing
}

# METADATA
# title: The account is disabled for another reason
notes contains $"{who}: the account was disabled because it was hijacked, which is not a leaver; its sessions are left to the rules about compromise" if {
	input.event.type == "account-disabled"
	input.event.body.reason == "hijacking"
}

closing := {
	"account-disabled": "account disabled",
	"account-purged": "account deleted",
	"prov:deactivate": "account deactivated",
	"prov:delete": "account removed",
}

hijacked if input.event.body.reason == "hijacking"

hijacked_account if input.user.account.reason == "hijacking"

# What was seen before the account was closed is no breach of the order.
after_closing if not input.user.account.since

after_closing if input.event.time > input.user.account.since

since := $" since {words.duration(input.event.time - input.user.account.since)}" if {
	input.event.time >= input.user.account.since
} else := ""

person := people.shared_key(input.subject.user, input.user.keys)

who := people.name(input.user.keys)
