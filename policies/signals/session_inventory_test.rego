package signals.session_inventory_test

import data.signals.session_inventory

# A session of Jane's on her laptop, in use two hours after it began.
presented := {
	"now": 1767232900,
	"event": {
		"id": "e-1", "type": "session-presented", "family": "caep", "source": "app", "issuer": "https://app.example.com",
		"assurance": "signed", "time": 1767232800, "received": 1767232801, "body": {},
	},
	"subject": {
		"key": "complex:session=opaque:s-1&user=email:jane@example.com", "format": "complex",
		"user": "email:jane@example.com", "session": "opaque:s-1",
	},
	"user": {"id": "u-1", "keys": ["email:jane@example.com"], "account": {"state": "enabled"}},
	"device": {"id": "opaque:laptop-1", "keys": ["opaque:laptop-1"], "compliance": {"status": "compliant", "changes": 0}, "facts": {}},
	"session": {"id": "opaque:s-1", "state": "live", "established": 1767225600, "ua_changed": false, "backing": "live"},
}

target := {"user": "email:jane@example.com", "session": "opaque:s-1"}

nothing(actions, notes) if {
	count(actions) == 0
	count(notes) == 0
}

test_an_ordinary_session_is_left_alone[kind] if {
	some kind in ["session-established", "session-presented"]
	nothing(session_inventory.actions, session_inventory.notes) with input as presented with input.event.type as kind
}

lost_since(time) := {"device_loss": {"loss": {"state": "lost", "since": time}}}

test_a_session_on_a_lost_device_ends[kind] if {
	some kind in ["session-established", "session-presented"]
	session_inventory.actions == {{
		"type": "revoke-session", "subject": target,
		"reason": "jane@example.com: session opaque:s-1 at https://app.example.com: on opaque:laptop-1, which is lost since 60 min",
	}} with input as presented
		with input.event.type as kind
		with input.device.facts as lost_since(1767229200)
}

test_an_order_for_a_lost_device_has_time_to_be_carried_out if {
	count(session_inventory.actions) == 0 with input as presented with input.device.facts as lost_since(1767232500)
	count(session_inventory.actions) == 1 with input as presented with input.device.facts as lost_since(1767232499)
}

test_a_device_that_was_found_may_be_used if {
	count(session_inventory.actions) == 0 with input as presented
		with input.device.facts as {"device_loss": {"loss": {"state": "found", "since": 1767229200}}}
}

failing(since) := {"status": "not-compliant", "since": since, "changes": 1}

test_a_session_on_a_failing_device_ends[kind] if {
	some kind in ["session-established", "session-presented"]
	reasons := {a.reason | some a in session_inventory.actions} with input as presented
		with input.event.type as kind
		with input.device.compliance as failing(1767229200)
	reasons == {"jane@example.com: session opaque:s-1 at https://app.example.com: on opaque:laptop-1, which is not compliant since 60 min"}
}

test_an_order_for_a_failing_device_has_time_to_be_carried_out if {
	count(session_inventory.actions) == 0 with input as presented with input.device.compliance as failing(1767232500)
	count(session_inventory.actions) == 1 with input as presented with input.device.compliance as failing(1767232499)
}

test_a_lost_device_that_fails_is_acted_on_once if {
	reasons := [a.reason | some a in session_inventory.actions] with input as presented
		with input.device.compliance as failing(1767229200)
		with input.device.facts as lost_since(1767229200)
	reasons == ["jane@example.com: session opaque:s-1 at https://app.example.com: on opaque:laptop-1, which is lost since 60 min"]
}

hijacked := {"state": "disabled", "since": 1767229200, "reason": "hijacking"}

test_a_session_of_a_hijacked_account_ends if {
	reasons := {a.reason | some a in session_inventory.actions} with input as presented with input.user.account as hijacked
	reasons == {"jane@example.com: session opaque:s-1 at https://app.example.com: the account is disabled as hijacked since 60 min"}
}

test_a_hijacked_account_is_no_leaver if {
	subjects := {a.subject | some a in session_inventory.actions} with input as presented
		with input.user.account as object.union(hijacked, {"since": 1767232700})
		with input.session as ended(1767229200)
	subjects == {target}
}

test_a_hijacked_account_that_is_enabled_again_may_be_used if {
	count(session_inventory.actions) == 0 with input as presented with input.user.account as object.union(hijacked, {"state": "enabled"})
}

test_an_order_for_a_hijacked_account_has_time_to_be_carried_out if {
	count(session_inventory.actions) == 0 with input as presented with input.user.account as object.union(hijacked, {"since": 1767232500})
}

ended(at) := {"id": "opaque:s-1", "state": "revoked", "ended": at, "ua_changed": false, "backing": "ended"}

test_a_session_in_use_after_its_end_ends_again_and_is_reported if {
	session_inventory.actions == {{
		"type": "revoke-session", "subject": target,
		"reason": "jane@example.com: session opaque:s-1 at https://app.example.com: in use 60 min after it was ended",
	}} with input as presented with input.session as ended(1767229200)
	session_inventory.notes == {"jane@example.com: session opaque:s-1 at https://app.example.com: still accepted 60 min after it was ended: the order was not honoured there"} with input as presented
		with input.session as ended(1767229200)
}

test_an_order_to_end_has_time_to_be_carried_out if {
	nothing(session_inventory.actions, session_inventory.notes) with input as presented with input.session as ended(1767232500)
}

test_a_session_used_before_its_end_is_no_breach if {
	nothing(session_inventory.actions, session_inventory.notes) with input as presented with input.session as ended(1767236400)
}

test_a_session_that_begins_again_is_allowed if {
	nothing(session_inventory.actions, session_inventory.notes) with input as presented
		with input.event.type as "session-established"
		with input.session as ended(1767229200)
}

test_without_a_user_the_session_is_named_alone if {
	acted := {[a.subject, a.reason] | some a in session_inventory.actions} with input as object.remove(presented, ["user"])
		with input.subject as {"key": "opaque:s-1", "format": "opaque", "session": "opaque:s-1"}
		with input.session as ended(1767229200)
	acted == {["opaque:s-1", "somebody unknown: session opaque:s-1 at https://app.example.com: in use 60 min after it was ended"]}
}

strange := {"id": "opaque:s-1", "state": "unknown", "ua_changed": false, "backing": "ended"}

test_a_session_that_nobody_saw_begin_asks_for_stronger_authentication if {
	session_inventory.actions == {{
		"type": "step-up", "subject": target,
		"reason": "jane@example.com: session opaque:s-1 at https://app.example.com: nobody saw it begin, and every session of theirs that was seen to begin is over",
	}} with input as presented with input.session as strange
	count(session_inventory.notes) == 1 with input as presented with input.session as strange
}

test_a_session_beside_a_live_one_is_not_strange if {
	nothing(session_inventory.actions, session_inventory.notes) with input as presented with input.session as object.union(strange, {"backing": "live"})
}

test_where_no_beginnings_are_reported_nothing_is_strange if {
	nothing(session_inventory.actions, session_inventory.notes) with input as presented with input.session as object.union(strange, {"backing": "none"})
}

test_a_session_that_begins_is_not_strange if {
	nothing(session_inventory.actions, session_inventory.notes) with input as presented
		with input.event.type as "session-established"
		with input.session as strange
}

test_a_strange_session_of_nobody_is_left_alone if {
	nothing(session_inventory.actions, session_inventory.notes) with input as object.remove(presented, ["user"])
		with input.subject as {"key": "opaque:s-1", "format": "opaque", "session": "opaque:s-1"}
		with input.session as strange
}

test_closed_accounts_are_for_the_leaver_rule[state] if {
	some state in ["disabled", "purged"]
	some known in [ended(1767229200), strange]
	nothing(session_inventory.actions, session_inventory.notes) with input as presented
		with input.user.account as {"state": state, "since": 1767229200}
		with input.device.compliance as failing(1767229200)
		with input.session as known
	nothing(session_inventory.actions, session_inventory.notes) with input as presented
		with input.user.account as {"state": state, "since": 1767229200}
		with input.device.facts as lost_since(1767229200)
		with input.session as known
}
