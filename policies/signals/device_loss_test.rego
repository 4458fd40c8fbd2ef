package signals.device_loss_test

import data.signals.device_loss

# Jane's laptop was stolen at 1767222000; the help desk says so an hour later.
stolen := {
	"now": 1767225700,
	"event": {
		"id": "e-1", "type": "device-lost", "family": "local", "source": "helpdesk", "issuer": "https://desk.example.com",
		"assurance": "channel", "time": 1767225600, "received": 1767225601,
		"body": {"state": "stolen", "lost_at": 1767222000, "reported_by": "jane@example.com", "reason": "taken from a train"},
	},
	"subject": {
		"key": "complex:device=opaque:laptop-1&user=email:jane@example.com", "format": "complex",
		"user": "email:jane@example.com", "device": "opaque:laptop-1",
	},
	"user": {
		"id": "u-1", "keys": ["email:jane@example.com"],
		"devices": [{"id": "d-1", "compliance": "compliant"}, {"id": "d-2", "compliance": "compliant"}],
	},
	"device": {
		"id": "d-1", "keys": ["opaque:laptop-1"],
		"compliance": {"status": "compliant", "since": 1767222000, "changes": 0},
		"history": [], "facts": {},
	},
}

lost_since(time) := {"device_loss": {"loss": {"state": "stolen", "since": time}}}

# Two hours after the loss it turns up again.
found := object.union(object.remove(stolen, ["event"]), {
	"event": {
		"id": "e-2", "type": "device-lost", "family": "local", "source": "helpdesk", "issuer": "https://desk.example.com",
		"assurance": "channel", "time": 1767229200, "received": 1767229201, "body": {"state": "found"},
	},
	"device": {"facts": lost_since(1767222000)},
})

# Or it reports to the device management by itself.
heard := object.union(found, {"event": {"type": "posture", "source": "mdm", "issuer": "https://mdm.example.com", "body": {"status": "compliant"}}})

laptop := {"user": "email:jane@example.com", "device": "opaque:laptop-1"}

types(actions) := {a.type | some a in actions}

test_a_stolen_device_loses_its_sessions_and_access if {
	device_loss.actions == {
		{
			"type": "revoke-session", "subject": laptop, "mode": "enforce",
			"reason": "jane@example.com on opaque:laptop-1: reported stolen by jane@example.com through https://desk.example.com (taken from a train); sessions on it end",
		},
		{
			"type": "restrict-access", "subject": laptop, "mode": "enforce", "claims": {"device_status": "stolen"},
			"reason": "jane@example.com on opaque:laptop-1: reported stolen by jane@example.com through https://desk.example.com (taken from a train)",
		},
	} with input as stolen
	count(device_loss.notes) == 0 with input as stolen
}

test_the_loss_is_remembered_from_when_it_happened if {
	device_loss.facts == {"loss": {"value": {"state": "stolen", "since": 1767222000}, "ttl": "365d", "of": "device"}} with input as stolen
}

test_without_a_time_the_loss_is_remembered_from_the_report if {
	times := {f.value.since | some f in device_loss.facts} with input as stolen with input.event.body as {"state": "lost"}
	times == {1767225600}
}

test_a_device_of_nobody_is_acted_on_alone if {
	reasons := {[a.subject, a.reason] | some a in device_loss.actions; a.type == "restrict-access"} with input as object.remove(stolen, ["user"])
		with input.event.body as {"state": "lost"}
		with input.subject as {"key": "opaque:laptop-1", "format": "opaque", "device": "opaque:laptop-1"}
	reasons == {["opaque:laptop-1", "opaque:laptop-1: reported lost by https://desk.example.com"]}
}

test_a_report_without_a_device_is_noted_only if {
	user_only := {"key": "email:jane@example.com", "format": "email", "user": "email:jane@example.com"}
	count(device_loss.actions) == 0 with input as stolen with input.subject as user_only
	count(device_loss.facts) == 0 with input as stolen with input.subject as user_only
	count(device_loss.notes) == 1 with input as stolen with input.subject as user_only
}

test_the_last_device_is_pointed_out if {
	device_loss.notes == {"jane@example.com on opaque:laptop-1: no other device of theirs is known; they may need to prove who they are to get in again"} with input as stolen
		with input.user.devices as [{"id": "d-1", "compliance": "compliant"}]
}

test_a_report_without_assurance_waits if {
	modes := {a.mode | some a in device_loss.actions} with input as stolen with input.event.assurance as "none"
	modes == {"approve"}
}

test_a_report_without_assurance_of_a_failing_device_does_not_wait if {
	modes := {a.mode | some a in device_loss.actions} with input as stolen
		with input.event.assurance as "none"
		with input.device.compliance.status as "not-compliant"
	modes == {"enforce"}
}

change(time, kind, change_type) := {"id": $"e-{time}", "type": "credential-change", "time": time, "credential_type": kind, "change_type": change_type}

test_credentials_bound_to_it_are_proposed_as_compromised if {
	proposed := {[a.key, a.credential_type, a.mode, a.reason] | some a in device_loss.actions; a.type == "credential-compromise"} with input as stolen
		with input.event.body as {"state": "lost"}
		with input.device.history as [
			change(30, "app", "delete"),
			change(20, "app", "create"),
			change(10, "fido2-platform", "create"),
			{"id": "e-0", "type": "posture", "time": 40, "status": "compliant"},
		]
	proposed == {["fido2-platform", "fido2-platform", "approve", "jane@example.com on opaque:laptop-1: reported lost by https://desk.example.com, and a fido2-platform credential is bound to it"]}
}

test_a_device_that_was_found_may_be_restored if {
	device_loss.actions == {{
		"type": "restore-access", "subject": laptop, "mode": "approve", "claims": {"device_status": "found"},
		"reason": "jane@example.com on opaque:laptop-1: found according to https://desk.example.com, 2 h after it was stolen",
	}} with input as found
	device_loss.facts == {"loss": {"value": {"state": "found", "since": 1767229200}, "ttl": "1d", "of": "device"}} with input as found
}

test_a_device_that_was_never_lost_is_not_restored if {
	count(device_loss.actions) == 0 with input as found with input.device.facts as {}
}

test_a_device_that_was_found_but_fails_is_not_restored if {
	count(device_loss.actions) == 0 with input as found with input.device.compliance.status as "not-compliant"
	count(device_loss.notes) == 1 with input as found with input.device.compliance.status as "not-compliant"
}

test_a_lost_device_that_is_heard_from_is_noted[kind] if {
	some kind in ["posture", "device-compliance-change"]
	count(device_loss.actions) == 0 with input as heard with input.event.type as kind
	device_loss.notes == {"jane@example.com on opaque:laptop-1: stolen since 2 h, yet https://mdm.example.com has heard from it: somebody has switched it on"} with input as heard
		with input.event.type as kind
}

test_what_a_device_said_before_it_was_lost_is_not if {
	count(device_loss.notes) == 0 with input as heard with input.device.facts as lost_since(1767229200)
}

test_other_devices_may_be_heard_from if {
	count(device_loss.notes) == 0 with input as heard with input.device.facts as {}
	count(device_loss.notes) == 0 with input as heard with input.device.facts.device_loss.loss.state as "found"
}
