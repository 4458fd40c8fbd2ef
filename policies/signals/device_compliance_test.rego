package signals.device_compliance_test

import data.signals.device_compliance

# Jane's laptop was healthy for an hour and fails its disk encryption check.
failed := {
	"now": 1767225700,
	"event": {
		"id": "e-1", "type": "device-compliance-change", "family": "caep", "source": "mdm", "issuer": "https://mdm.example.com",
		"assurance": "signed", "time": 1767225600, "received": 1767225601,
		"body": {"previous_status": "compliant", "current_status": "not-compliant", "reason_admin": {"en": "disk not encrypted"}},
	},
	"subject": {
		"key": "complex:device=opaque:laptop-1&user=email:jane@example.com", "format": "complex",
		"user": "email:jane@example.com", "device": "opaque:laptop-1",
	},
	"user": {"id": "u-1", "keys": ["email:jane@example.com"]},
	"device": {"id": "d-1", "keys": ["opaque:laptop-1"], "compliance": {"status": "compliant", "since": 1767222000, "changes": 0}, "facts": {}},
}

# Two hours later it is healthy again.
healed := object.union(failed, {
	"event": {"time": 1767232800, "body": {"previous_status": "not-compliant", "current_status": "compliant", "reason_admin": {"en": "all checks pass"}}},
	"device": {"compliance": {"status": "not-compliant", "since": 1767225600, "changes": 1}},
})

# The timer of a device that had to settle.
settled := object.union(object.remove(healed, ["event"]), {
	"event": {
		"id": "e-3", "type": "timer", "family": "local", "source": "timer", "issuer": "signalbox",
		"assurance": "internal", "time": 1767247200, "received": 1767247200,
		"body": {"rule": "device_compliance", "name": "settle", "due": 1767247200},
	},
	"device": {"compliance": {"status": "compliant", "since": 1767232800, "changes": 5}},
})

laptop := {"user": "email:jane@example.com", "device": "opaque:laptop-1"}

types(actions) := {a.type | some a in actions}

test_a_device_that_fails_loses_its_sessions_and_access if {
	device_compliance.actions == {
		{
			"type": "revoke-session", "subject": laptop,
			"reason": "jane@example.com on opaque:laptop-1: no longer compliant according to https://mdm.example.com (disk not encrypted); sessions on it end",
		},
		{
			"type": "restrict-access", "subject": laptop, "claims": {"device_compliance": "not-compliant"},
			"reason": "jane@example.com on opaque:laptop-1: no longer compliant according to https://mdm.example.com (disk not encrypted)",
		},
	} with input as failed
}

test_a_device_without_a_user_is_acted_on_alone if {
	subjects := {a.subject | some a in device_compliance.actions} with input as object.remove(failed, ["user"])
		with input.subject as {"key": "opaque:laptop-1", "format": "opaque", "device": "opaque:laptop-1"}
	subjects == {"opaque:laptop-1"}
}

test_without_a_reason_none_is_given if {
	bare := {"previous_status": "compliant", "current_status": "not-compliant"}
	reasons := {a.reason | some a in device_compliance.actions; a.type == "restrict-access"} with input as failed with input.event.body as bare
	reasons == {"jane@example.com on opaque:laptop-1: no longer compliant according to https://mdm.example.com"}
}

test_without_a_record_of_the_failure_its_length_is_not_given if {
	reasons := {a.reason | some a in device_compliance.actions} with input as healed with input.device.compliance as {"status": "unknown", "changes": 0}
	reasons == {"jane@example.com on opaque:laptop-1: compliant again according to https://mdm.example.com"}
}

test_a_user_without_a_device_is_reported_only if {
	user_only := {"key": "email:jane@example.com", "format": "email", "user": "email:jane@example.com"}
	count(device_compliance.actions) == 0 with input as failed with input.subject as user_only
	count(device_compliance.timers) == 0 with input as failed with input.subject as user_only
	count(device_compliance.notes) == 1 with input as failed with input.subject as user_only
}

test_a_device_that_fails_stops_settling if {
	device_compliance.timers == {{"name": "settle", "after": "0s"}} with input as failed
}

test_a_flapping_device_is_described_as_such if {
	reasons := {a.reason | some a in device_compliance.actions; a.type == "restrict-access"} with input as failed with input.device.compliance.changes as 4
	reasons == {"jane@example.com on opaque:laptop-1: no longer compliant according to https://mdm.example.com (disk not encrypted) (4 changes within a day)"}
}

test_a_device_that_is_healthy_again_gets_its_access_back if {
	device_compliance.actions == {{
		"type": "restore-access", "subject": laptop, "claims": {"device_compliance": "compliant"},
		"reason": "jane@example.com on opaque:laptop-1: compliant again according to https://mdm.example.com after 2 h",
	}} with input as healed
	count(device_compliance.timers) == 0 with input as healed
}

test_a_device_that_was_healthy_all_along_is_not_restored if {
	count(device_compliance.actions) == 0 with input as healed with input.event.body.previous_status as "compliant"
}

test_two_changes_are_no_flapping if {
	types(device_compliance.actions) == {"restore-access"} with input as healed with input.device.compliance.changes as 2
}

test_three_changes_make_it_wait if {
	count(device_compliance.actions) == 0 with input as healed with input.device.compliance.changes as 3
	device_compliance.timers == {{"name": "settle", "after": "4h"}} with input as healed with input.device.compliance.changes as 3
	count(device_compliance.notes) == 1 with input as healed with input.device.compliance.changes as 3
}

test_a_device_that_has_settled_gets_its_access_back if {
	types(device_compliance.actions) == {"restore-access"} with input as settled
}

test_a_device_that_failed_meanwhile_does_not if {
	count(device_compliance.actions) == 0 with input as settled with input.device.compliance.status as "not-compliant"
}

test_timers_of_other_rules_are_none_of_its_business if {
	count(device_compliance.actions) == 0 with input as settled with input.event.body.rule as "other"
	count(device_compliance.actions) == 0 with input as settled with input.event.body.name as "other"
}

test_a_lost_device_gets_nothing_back[state] if {
	some state in ["lost", "stolen"]
	count(device_compliance.actions) == 0 with input as healed with input.device.facts.device_loss.loss.state as state
	count(device_compliance.notes) == 1 with input as healed with input.device.facts.device_loss.loss.state as state
	count(device_compliance.actions) == 0 with input as settled with input.device.facts.device_loss.loss.state as state
}

test_a_device_that_was_found_does if {
	types(device_compliance.actions) == {"restore-access"} with input as healed with input.device.facts.device_loss.loss.state as "found"
	count(device_compliance.notes) == 0 with input as healed with input.device.facts.device_loss.loss.state as "found"
}
