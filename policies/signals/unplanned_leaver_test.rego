package signals.unplanned_leaver_test

import data.signals.unplanned_leaver

# Jane's account as it was before the event.
disabled := {
	"now": 1767225700,
	"event": {
		"id": "e-1", "type": "account-disabled", "family": "risc", "source": "idp", "issuer": "https://idp.example.com",
		"assurance": "signed", "time": 1767225600, "received": 1767225601, "body": {},
	},
	"subject": {"key": "email:jane@example.com", "format": "email", "user": "email:jane@example.com"},
	"user": {"id": "u-1", "keys": ["email:jane@example.com"], "email": "jane@example.com", "account": {"state": "enabled"}},
}

terminated := object.union(disabled, {"event": {"type": "employment-change", "family": "local", "body": {"change": "terminated"}}})

# A session seen ten minutes after the account was disabled.
seen := {
	"now": 1767226300,
	"event": {
		"id": "e-2", "type": "session-presented", "family": "caep", "source": "app", "issuer": "https://app.example.com",
		"assurance": "signed", "time": 1767226200, "received": 1767226201, "body": {},
	},
	"subject": {
		"key": "complex:session=opaque:s-1&user=email:jane@example.com", "format": "complex",
		"user": "email:jane@example.com", "session": "opaque:s-1",
	},
	"user": {
		"id": "u-1", "keys": ["email:jane@example.com"],
		"account": {"state": "disabled", "since": 1767225600, "by": "https://idp.example.com"},
	},
}

test_a_closed_account_ends_all_sessions if {
	unplanned_leaver.actions == {{
		"type": "revoke-session",
		"subject": "email:jane@example.com",
		"reason": "jane@example.com: account disabled by https://idp.example.com; all sessions end",
	}} with input as disabled
}

test_every_way_to_close_an_account[kind] if {
	some kind in ["account-disabled", "account-purged", "prov:deactivate", "prov:delete"]
	types := {a.type | some a in unplanned_leaver.actions} with input as disabled with input.event.type as kind
	types == {"revoke-session"}
}

test_a_bulk_account_is_closed_too if {
	count(unplanned_leaver.actions) == 1 with input as disabled with input.event.body.reason as "bulk-account"
}

test_a_hijacked_account_is_no_leaver if {
	count(unplanned_leaver.actions) == 0 with input as disabled with input.event.body.reason as "hijacking"
	count(unplanned_leaver.notes) == 1 with input as disabled with input.event.body.reason as "hijacking"
}

test_scim_names_somebody_by_a_key_others_know if {
	subjects := {a.subject | some a in unplanned_leaver.actions} with input as disabled
		with input.event.type as "prov:deactivate"
		with input.subject as {"key": "scim:/Users/1", "format": "scim", "user": "scim:/Users/1"}
		with input.user.keys as ["email:jane@example.com", "scim:/Users/1"]
	subjects == {"email:jane@example.com"}
}

test_scim_without_another_key_is_used_as_it_is if {
	subjects := {a.subject | some a in unplanned_leaver.actions} with input as disabled
		with input.event.type as "prov:delete"
		with input.subject as {"key": "scim:/Users/1", "format": "scim", "user": "scim:/Users/1"}
		with input.user.keys as ["scim:/Users/1"]
	subjects == {"scim:/Users/1"}
}

test_termination_disables_the_account_as_well if {
	types := {a.type | some a in unplanned_leaver.actions} with input as terminated
	types == {"revoke-session", "disable-account"}
}

test_termination_of_a_closed_account_does_not_disable_it_again if {
	types := {a.type | some a in unplanned_leaver.actions} with input as terminated with input.user.account as {"state": "disabled", "since": 1}
	types == {"revoke-session"}
}

test_other_changes_of_employment_are_no_leaver[change] if {
	some change in ["hired", "moved", "leaving", "returned"]
	count(unplanned_leaver.actions) == 0 with input as terminated with input.event.body.change as change
}

test_a_session_of_a_closed_account_ends_and_is_reported if {
	unplanned_leaver.actions == {{
		"type": "revoke-session",
		"reason": "jane@example.com: session in use at https://app.example.com though the account is disabled since 10 min",
	}} with input as seen
	unplanned_leaver.notes == {"https://app.example.com still accepts jane@example.com, whose account is disabled since 10 min: the order to end sessions was not honoured there"} with input as seen
}

test_a_new_session_of_a_purged_account_ends if {
	count(unplanned_leaver.actions) == 1 with input as seen
		with input.event.type as "session-established"
		with input.user.account as {"state": "purged"}
}

test_a_session_seen_before_the_account_was_closed_is_no_breach if {
	count(unplanned_leaver.actions) == 0 with input as seen with input.user.account.since as 1767226200
	count(unplanned_leaver.notes) == 0 with input as seen with input.user.account.since as 1767226200
}

test_a_session_of_an_account_in_use_is_left_alone[state] if {
	some state in ["enabled", "unknown"]
	count(unplanned_leaver.actions) == 0 with input as seen with input.user.account as {"state": state}
}

test_a_session_of_a_hijacked_account_is_for_other_rules if {
	count(unplanned_leaver.actions) == 0 with input as seen with input.user.account.reason as "hijacking"
}
