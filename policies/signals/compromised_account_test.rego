package signals.compromised_account_test

import data.signals.compromised_account

# One source sees Jane at high risk, for the first time.
risen := {
	"now": 1767225700,
	"event": {
		"id": "e-1", "type": "risk-level-change", "family": "caep", "source": "idp", "issuer": "https://idp.example.com",
		"assurance": "signed", "time": 1767225600, "received": 1767225601,
		"body": {"principal": "USER", "current_level": "HIGH", "previous_level": "LOW", "risk_reason": "impossible travel"},
	},
	"change": {"entity": "user.risk", "from": "low", "to": "high", "applied": true},
	"subject": {"key": "email:jane@example.com", "format": "email", "user": "email:jane@example.com"},
	"user": {
		"id": "u-1", "keys": ["email:jane@example.com"], "account": {"state": "enabled"},
		"risk": {"level": "low", "sources": [{"issuer": "https://idp.example.com", "level": "low", "since": 1767222000}]},
		"facts": {},
	},
}

# A second source that sees a risk of the level, too.
other(level) := [
	{"issuer": "https://idp.example.com", "level": "low", "since": 1767222000},
	{"issuer": "https://edr.example.com", "level": level, "since": 1767222000},
]

# A compromise was reported in another transaction.
compromised := {"threat_alert": {"suspect": {"state": "open", "credential_type": "password", "since": 1767220000, "txn": "t-1"}}}

changed(time) := object.union(compromised, {"session_hijack": {"replaced": {"credential_type": "password", "since": time}}})

asked := {"compromised_account": {"asked": 1767218400}}

restricted := {"compromised_account": {"answer": "restrict-access"}}

hijacked := object.union(object.remove(risen, ["event", "change"]), {"event": {
	"id": "e-2", "type": "account-disabled", "family": "risc", "source": "idp", "issuer": "https://idp.example.com",
	"assurance": "signed", "time": 1767225600, "received": 1767225601, "body": {"reason": "hijacking"},
}})

# The source has calmed down after access was restricted.
fallen := object.union(risen, {
	"event": {"body": {"current_level": "LOW", "previous_level": "HIGH"}},
	"change": {"from": "high", "to": "low"},
	"user": {"facts": restricted},
})

told(actions) := {[a.type, object.get(a, "mode", "enforce")] | some a in actions}

test_one_source_asks_for_stronger_authentication if {
	compromised_account.actions == {{
		"type": "step-up", "subject": "email:jane@example.com",
		"reason": "jane@example.com: risk is high according to https://idp.example.com, low before (impossible travel); no second source sees a risk and no credential is known to others, so stronger authentication is enough",
	}} with input as risen
	compromised_account.facts == {"asked": {"value": 1767225600, "ttl": "1d", "of": "user"}} with input as risen
}

test_the_vendor_event_is_the_same if {
	told(compromised_account.actions) == {["step-up", "enforce"]} with input as risen
		with input.event.type as "user-risk-change"
		with input.event.body as {"current_level": "high", "previous_level": "low", "reason_admin": {"en": "new country"}}
}

test_reasons_for_administrators_are_given_too if {
	"jane@example.com: risk is high according to https://idp.example.com, not known before (new country); no second source sees a risk and no credential is known to others, so stronger authentication is enough" in {a.reason | some a in compromised_account.actions} with input as risen
		with input.change.from as "unknown"
		with input.event.body as {"principal": "USER", "current_level": "HIGH", "reason_admin": {"en": "new country"}}
}

test_without_a_reason_none_is_given if {
	compromised_account.notes == {"jane@example.com: risk is high according to https://idp.example.com, low before, but the account is disabled; nothing more is done"} with input as risen
		with input.event.body as {"principal": "USER", "current_level": "HIGH"}
		with input.user.account.state as "disabled"
}

test_a_second_source_restricts_access[level] if {
	some level in ["medium", "high"]
	compromised_account.actions == {{
		"type": "restrict-access", "subject": "email:jane@example.com", "mode": "enforce", "claims": {"risk_level": "high"},
		"reason": "jane@example.com: risk is high according to https://idp.example.com, low before (impossible travel); stronger authentication is not enough: a second source sees a risk as well",
	}} with input as risen with input.user.risk.sources as other(level)
	compromised_account.facts == {"answer": {"value": "restrict-access", "ttl": "90d", "of": "user"}} with input as risen with input.user.risk.sources as other(level)
}

test_a_second_source_that_sees_none_does_not[level] if {
	some level in ["low", "unknown"]
	told(compromised_account.actions) == {["step-up", "enforce"]} with input as risen with input.user.risk.sources as other(level)
}

test_what_was_asked_for_before_is_not_enough_again if {
	reasons := {[a.type, a.reason] | some a in compromised_account.actions} with input as risen with input.user.facts as asked
	reasons == {["restrict-access", "jane@example.com: risk is high according to https://idp.example.com, low before (impossible travel); stronger authentication is not enough: it was asked for 2 h ago and the risk is high again"]}
}

test_a_credential_known_to_others_ends_all_sessions if {
	compromised_account.actions == {{
		"type": "revoke-session", "subject": "email:jane@example.com", "mode": "enforce",
		"reason": "jane@example.com: risk is high according to https://idp.example.com, low before (impossible travel); stronger authentication or restricted access is not enough: the password credential is known to others and not changed since, so a session may be theirs",
	}} with input as risen with input.user.facts as compromised
	count(compromised_account.facts) == 0 with input as risen with input.user.facts as compromised
}

test_a_credential_changed_since_does_not if {
	told(compromised_account.actions) == {["step-up", "enforce"]} with input as risen with input.user.facts as changed(1767220001)
}

test_a_credential_changed_before_does if {
	told(compromised_account.actions) == {["revoke-session", "enforce"]} with input as risen with input.user.facts as changed(1767219999)
}

test_an_unsigned_statement_asks_first[assurance] if {
	some assurance in ["channel", "none"]
	told(compromised_account.actions) == {["restrict-access", "approve"], ["step-up", "enforce"]} with input as risen
		with input.event.assurance as assurance
		with input.user.risk.sources as other("high")
	told(compromised_account.actions) == {["revoke-session", "approve"], ["step-up", "enforce"]} with input as risen
		with input.event.assurance as assurance
		with input.user.facts as compromised
	told(compromised_account.actions) == {["step-up", "enforce"]} with input as risen with input.event.assurance as assurance
}

test_a_repeated_statement_changes_nothing if {
	count(compromised_account.actions) == 0 with input as object.remove(risen, ["change"])
}

test_a_late_statement_changes_nothing if {
	count(compromised_account.actions) == 0 with input as risen with input.change.applied as false
	count(compromised_account.facts) == 0 with input as risen with input.change.applied as false
}

test_a_medium_risk_is_no_compromise if {
	count(compromised_account.actions) == 0 with input as risen with input.change.to as "medium"
}

test_the_risk_of_a_device_is_not_the_users if {
	count(compromised_account.actions) == 0 with input as risen with input.change.entity as "device.risk"
}

test_a_closed_account_is_noted_only[state] if {
	some state in ["disabled", "purged"]
	some facts in [{}, compromised]
	some sources in [other("low"), other("high")]
	count(compromised_account.actions) == 0 with input as risen
		with input.user.account.state as state
		with input.user.facts as facts
		with input.user.risk.sources as sources
		with input.event.assurance as "channel"
	count(compromised_account.facts) == 0 with input as risen with input.user.account.state as state with input.user.risk.sources as sources
	count(compromised_account.notes) == 1 with input as risen with input.user.account.state as state
}

test_a_hijacked_account_ends_all_sessions if {
	compromised_account.actions == {{
		"type": "revoke-session", "subject": "email:jane@example.com", "mode": "enforce",
		"reason": "jane@example.com: account disabled as hijacked by https://idp.example.com; stronger authentication or restricted access is not enough: somebody else is in, and open sessions outlive a disabled account",
	}} with input as hijacked
}

test_accounts_disabled_for_other_reasons_are_for_other_rules[body] if {
	some body in [{}, {"reason": "bulk-account"}]
	count(compromised_account.actions) == 0 with input as hijacked with input.event.body as body
}

test_access_is_restored_when_nobody_sees_a_high_risk if {
	compromised_account.actions == {{
		"type": "restore-access", "subject": "email:jane@example.com", "claims": {"risk_level": "low"},
		"reason": "jane@example.com: the risk is low according to https://idp.example.com and high to nobody; access was restricted for it",
	}} with input as fallen
	compromised_account.facts == {"answer": {"value": "restore-access", "ttl": "1d", "of": "user"}} with input as fallen
}

test_access_stays_restricted_while_another_source_sees_one if {
	count(compromised_account.actions) == 0 with input as fallen with input.user.risk.sources as other("high")
	count(compromised_account.facts) == 0 with input as fallen with input.user.risk.sources as other("high")
	count(compromised_account.notes) == 1 with input as fallen with input.user.risk.sources as other("high")
}

test_only_what_was_restricted_is_restored[facts] if {
	some facts in [{}, {"compromised_account": {"answer": "restore-access"}}]
	count(compromised_account.actions) == 0 with input as fallen with input.user.facts as facts
}

test_a_risk_that_follows_from_an_alert_is_noted_only[sources] if {
	some sources in [other("low"), other("high")]
	answered := object.union(risen, {"event": {"txn": "t-1"}, "user": {"facts": compromised, "risk": {"sources": sources}}})
	count(compromised_account.actions) == 0 with input as answered
	count(compromised_account.actions) == 0 with input as answered with input.event.assurance as "none"
	count(compromised_account.facts) == 0 with input as answered
	count(compromised_account.notes) == 1 with input as answered
}

test_a_risk_of_another_transaction_is_not if {
	told(compromised_account.actions) == {["revoke-session", "enforce"]} with input as object.union(risen, {"event": {"txn": "t-2"}, "user": {"facts": compromised}})
}
