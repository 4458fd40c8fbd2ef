# METADATA
# title: Device compliance
# description: >-
#   A device stopped complying with its policy: sessions on it end and access
#   from it is restricted until it is healthy again. A device that keeps
#   changing gets its access back only after it has stayed healthy for a while. One
#   that was reported lost gets nothing back here, whatever it says of itself:
#   that is device_loss's.
# custom:
#   on: [device-compliance-change, timer]
#   needs: [device.compliance, facts.device]
#   mode: enforce
#   limit: {actions: 200, per: 1h}
#   severity: medium
#   attack: [T1078]
package signals.device_compliance

import data.lib.people
import data.lib.words

# METADATA
# title: The device does not comply, so its sessions end
# description: The sessions of this user on this device, or of everybody on it if the event names no user.
actions contains {
	"type": "revoke-session",
	"subject": machine,
	"reason": $"{device}: no longer compliant according to {input.event.issuer}{why}; sessions on it end",
} if {
	input.event.type == "device-compliance-change"
	input.event.body.current_status == "not-compliant"
	input.subject.device
}

# METADATA
# title: The device does not comply, so its access is restricted
actions contains {
	"type": "restrict-access",
	"subject": machine,
	"reason": $"{device}: no longer compliant according to {input.event.issuer}{why}{flaps}",
	"claims": {"device_compliance": "not-compliant"},
} if {
	input.event.type == "device-compliance-change"
	input.event.body.current_status == "not-compliant"
	input.subject.device
}

# METADATA
# title: The device complies again, so its access is restored
# description: Unless it changed three times or more within a day.
actions contains {
	"type": "restore-access",
	"subject": machine,
	"reason": $"{device}: compliant again according to {input.event.issuer}{lasted}",
	"claims": {"device_compliance": "compliant"},
} if {
	input.event.type == "device-compliance-change"
	input.event.body.current_status == "compliant"
	input.event.body.previous_status == "not-compliant"
	input.subject.device
	not flapping
	not lost
}

# METADATA
# title: The device stayed healthy, so its access is restored
actions contains {
	"type": "restore-access",
	"subject": machine,
	"reason": $"{device}: compliant for {settle_hours} h after {input.device.compliance.changes} changes within a day",
	"claims": {"device_compliance": "compliant"},
} if {
	input.event.type == "timer"
	input.event.body.rule == "device_compliance"
	input.event.body.name == "settle"
	input.device.compliance.status == "compliant"
	not lost
}

# METADATA
# title: Wait until a device that keeps changing has settled
timers contains {"name": "settle", "after": $"{settle_hours}h"} if {
	input.event.type == "device-compliance-change"
	input.event.body.current_status == "compliant"
	input.event.body.previous_status == "not-compliant"
	input.subject.device
	flapping
}

# METADATA
# title: Stop waiting when the device fails again
timers contains {"name": "settle", "after": "0s"} if {
	input.event.type == "device-compliance-change"
	input.event.body.current_status == "not-compliant"
	input.subject.device
}

# METADATA
# title: A device that keeps changing waits
notes contains $"{device}: compliant again, but it changed {input.device.compliance.changes} times within a day; access stays restricted until it has been healthy for {settle_hours} h" if {
	input.event.type == "device-compliance-change"
	input.event.body.current_status == "compliant"
	input.event.body.previous_status == "not-compliant"
	input.subject.device
	flapping
}

# METADATA
# title: A lost device stays restricted
notes contains $"{device}: compliant again, but reported {input.device.facts.device_loss.loss.state}; access stays restricted" if {
	input.event.type == "device-compliance-change"
	input.event.body.current_status == "compliant"
	lost
}

# METADATA
# title: The event names no device
notes contains $"{input.event.issuer} reports a device of {input.subject.key} as not compliant{why} without naming it; nothing is done to all of their sessions for one device" if {
	input.event.type == "device-compliance-change"
	input.event.body.current_status == "not-compliant"
	not input.subject.device
}

settle_hours := 4

lost if input.device.facts.device_loss.loss.state in {"lost", "stolen"}

flapping if input.device.compliance.changes >= 3

machine := {"user": input.subject.user, "device": input.subject.device} if {
	input.subject.user
} else := input.subject.device

device := $"{owner} on {input.subject.device}" if {
	input.user.keys
} else := input.subject.device

owner := people.name(input.user.keys)

lasted := $" after {words.duration(input.event.time - input.device.compliance.since)}" if {
	input.device.compliance.status == "not-compliant"
	input.event.time >= input.device.compliance.since
} else := ""

flaps := $" ({input.device.compliance.changes} changes within a day)" if {
	input.device.compliance.changes > 0
} else := ""

why := $" ({words.message(input.event.body.reason_admin)})" if {
	input.event.body.reason_admin
} else := ""
