# METADATA
# title: Device loss
# description: >-
#   A device was reported lost or stolen: its sessions end and access from it is
#   restricted at once, because both can be had again. Credentials bound to it
#   are only proposed to be declared compromised, and the access of a device that
#   was found to be restored: a thief may not know its PIN, and somebody has to
#   look at what comes back. What a source states without any assurance waits for
#   approval too, unless the device has failed its policy as well. The loss is
#   remembered: device_compliance gives a lost device nothing back,
#   session_inventory ends the sessions seen on it later. Nobody's account is
#   disabled here; that the last way in is gone is said in a note.
# custom:
#   on: [device-lost, posture, device-compliance-change]
#   needs: [user.devices, device.compliance, history.device, facts.device]
#   mode: enforce
#   limit: {actions: 50, per: 1h}
#   severity: high
#   attack: [T1078]
package signals.device_loss

import data.lib.credentials
import data.lib.people
import data.lib.words

# METADATA
# title: The device is gone, so its sessions end
# description: Those of this user on this device, or of everybody on it if the report names no user.
actions contains {
	"type": "revoke-session",
	"subject": machine,
	"mode": certainty,
	"reason": $"{device}: {report}; sessions on it end",
} if {
	input.event.type == "device-lost"
	input.event.body.state in {"lost", "stolen"}
	input.subject.device
}

# METADATA
# title: The device is gone, so its access is restricted
actions contains {
	"type": "restrict-access",
	"subject": machine,
	"mode": certainty,
	"reason": $"{device}: {report}",
	"claims": {"device_status": input.event.body.state},
} if {
	input.event.type == "device-lost"
	input.event.body.state in {"lost", "stolen"}
	input.subject.device
}

# METADATA
# title: Credentials bound to the device may be in others' hands
# description: Those whose creation named the device and which were not revoked since.
actions contains {
	"type": "credential-compromise",
	"subject": machine,
	"key": kind,
	"mode": "approve",
	"reason": $"{device}: {report}, and a {kind} credential is bound to it",
	"credential_type": kind,
} if {
	input.event.type == "device-lost"
	input.event.body.state in {"lost", "stolen"}
	input.subject.device
	some kind in bound
}

# METADATA
# title: The device was found, so its access may be restored
# description: A person decides, and not while it fails its policy.
actions contains {
	"type": "restore-access",
	"subject": machine,
	"mode": "approve",
	"reason": $"{device}: found according to {input.event.issuer}{why}, {away} after it was {input.device.facts.device_loss.loss.state}",
	"claims": {"device_status": "found"},
} if {
	input.event.type == "device-lost"
	input.event.body.state == "found"
	input.device.facts.device_loss.loss.state in {"lost", "stolen"}
	input.device.compliance.status in {"compliant", "unknown"}
}

# METADATA
# title: The device is remembered as gone
facts["loss"] := {
	"value": {"state": input.event.body.state, "since": since},
	"ttl": "365d",
	"of": "device",
} if {
	input.event.type == "device-lost"
	input.event.body.state in {"lost", "stolen"}
	input.subject.device
}

# METADATA
# title: The device is no longer gone
facts["loss"] := {
	"value": {"state": "found", "since": since},
	"ttl": "1d",
	"of": "device",
} if {
	input.event.type == "device-lost"
	input.event.body.state == "found"
	input.subject.device
}

# METADATA
# title: The report names no device
notes contains $"{input.subject.key}: {report} without naming the device; name it in another report, nothing is done to all of theirs for one" if {
	input.event.type == "device-lost"
	input.event.body.state in {"lost", "stolen"}
	not input.subject.device
}

# METADATA
# title: No other device is known
notes contains $"{device}: no other device of theirs is known; they may need to prove who they are to get in again" if {
	input.event.type == "device-lost"
	input.event.body.state in {"lost", "stolen"}
	input.subject.device
	input.user.keys
	count({other.id | some other in input.user.devices; other.id != input.device.id}) == 0
}

# METADATA
# title: A lost device is in use
# description: Whatever it reports, somebody has switched it on.
notes contains $"{device}: {input.device.facts.device_loss.loss.state} since {words.duration(input.event.time - input.device.facts.device_loss.loss.since)}, yet {input.event.issuer} has heard from it: somebody has switched it on" if {
	input.event.type in {"posture", "device-compliance-change"}
	input.device.facts.device_loss.loss.state in {"lost", "stolen"}
	input.event.time > input.device.facts.device_loss.loss.since
}

# METADATA
# title: A device that was found fails its policy
notes contains $"{device}: found according to {input.event.issuer}{why}, but not compliant; access stays restricted" if {
	input.event.type == "device-lost"
	input.event.body.state == "found"
	input.device.compliance.status == "not-compliant"
}

default certainty := "enforce"

certainty := "approve" if {
	input.event.assurance == "none"
	input.device.compliance.status != "not-compliant"
}

bound contains kind if {
	some past in input.device.history
	past.type == "credential-change"
	kind := past.credential_type
	past.time == credentials.changed(input.device.history, kind)
	past.change_type in {"create", "update"}
}

# When the device was lost or found, as far as known.
since := input.event.body.lost_at if {
	input.event.body.state in {"lost", "stolen"}
} else := input.event.time

away := words.duration(input.event.time - input.device.facts.device_loss.loss.since)

machine := {"user": input.subject.user, "device": input.subject.device} if {
	input.subject.user
} else := input.subject.device

device := $"{people.name(input.user.keys)} on {input.subject.device}" if {
	input.user.keys
} else := input.subject.device

report := $"reported {input.event.body.state} by {reporter}{why}"

reporter := $"{input.event.body.reported_by} through {input.event.issuer}" if {
	input.event.body.reported_by
} else := input.event.issuer

why := $" ({input.event.body.reason})" if {
	input.event.body.reason
} else := ""
