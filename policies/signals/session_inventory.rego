# METADATA
# title: Session inventory
# description: >-
#   Every session that begins or is seen is compared with what is known. One that
#   is not allowed ends: on a lost device, on a device that has not complied for
#   a while, of a hijacked account, or in use after it was ended. One that nobody
#   saw begin, while beginnings are reported and all of them are over, asks its
#   user for stronger authentication: feeds have gaps, so it is not ended for
#   that. Sessions of accounts closed for other reasons belong to
#   unplanned_leaver, what happens when a device fails to device_compliance, and
#   who uses a live session to session_hijack. Five minutes are allowed for an
#   earlier order to be carried out.
# custom:
#   on: [session-established, session-presented]
#   needs: [session, user.account, device.compliance, facts.device]
#   mode: enforce
#   limit: {actions: 100, per: 1h}
#   severity: medium
#   attack: [T1078, T1550]
package signals.session_inventory

import data.lib.people
import data.lib.sessions
import data.lib.words

# METADATA
# title: A session on a lost device ends
actions contains {
	"type": "revoke-session",
	"subject": target,
	"reason": $"{session}: on {input.device.id}, which is {input.device.facts.device_loss.loss.state} since {words.duration(input.event.time - input.device.facts.device_loss.loss.since)}",
} if {
	input.event.type in {"session-established", "session-presented"}
	input.device.facts.device_loss.loss.state in {"lost", "stolen"}
	input.event.time - input.device.facts.device_loss.loss.since > grace
	not leaver
}

# METADATA
# title: A session on a device that does not comply ends
actions contains {
	"type": "revoke-session",
	"subject": target,
	"reason": $"{session}: on {input.device.id}, which is not compliant since {words.duration(input.event.time - input.device.compliance.since)}",
} if {
	input.event.type in {"session-established", "session-presented"}
	input.device.compliance.status == "not-compliant"
	input.event.time - input.device.compliance.since > grace
	not lost
	not leaver
}

# METADATA
# title: A session of a hijacked account ends
actions contains {
	"type": "revoke-session",
	"subject": target,
	"reason": $"{session}: the account is disabled as hijacked since {words.duration(input.event.time - input.user.account.since)}",
} if {
	input.event.type in {"session-established", "session-presented"}
	input.user.account.reason == "hijacking"
	input.user.account.state == "disabled"
	input.event.time - input.user.account.since > grace
}

# METADATA
# title: A session in use after its end ends again
actions contains {
	"type": "revoke-session",
	"subject": target,
	"reason": $"{session}: in use {after_end} after it was ended",
} if {
	input.event.type == "session-presented"
	input.session.state == "revoked"
	input.event.time - input.session.ended > grace
	not leaver
}

# METADATA
# title: A session that nobody saw begin asks for stronger authentication
actions contains {
	"type": "step-up",
	"subject": target,
	"reason": $"{session}: nobody saw it begin, and every session of theirs that was seen to begin is over",
} if {
	input.event.type == "session-presented"
	input.session.state == "unknown"
	input.session.backing == "ended"
	input.user.keys
	not closed
}

# METADATA
# title: The end of a session was not honoured
notes contains $"{session}: still accepted {after_end} after it was ended: the order was not honoured there" if {
	input.event.type == "session-presented"
	input.session.state == "revoked"
	input.event.time - input.session.ended > grace
	not leaver
}

# METADATA
# title: A session is in use without one at the identity provider
notes contains $"{session}: in use without any session of theirs that was seen to begin and is live; look for a stolen token or a gap in the feed" if {
	input.event.type == "session-presented"
	input.session.state == "unknown"
	input.session.backing == "ended"
	input.user.keys
	not closed
}

# Time for an order to end sessions to be carried out, in seconds.
grace := 300

lost if input.device.facts.device_loss.loss.state in {"lost", "stolen"}

closed if input.user.account.state in {"disabled", "purged"}

# Closed accounts are the leaver rule's, unless they were hijacked.
leaver if {
	closed
	not hijacked
}

hijacked if input.user.account.reason == "hijacking"

target := {"user": input.subject.user, "session": input.subject.session} if {
	input.subject.user
} else := input.subject.session

session := $"{who}: session {sessions.short(input.subject.session)} at {input.event.issuer}"

who := people.name(input.user.keys) if {
	input.user.keys
} else := "somebody unknown"

after_end := words.duration(input.event.time - input.session.ended)
