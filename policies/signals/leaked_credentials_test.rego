package signals.leaked_credentials_test

import data.signals.leaked_credentials

# Jane's password was taken thirty days before a feed has it, and last changed
# ten days before that.
exposed := {
	"now": 1767225600,
	"event": {
		"id": "e-1", "type": "breach-exposure", "family": "local", "source": "feed", "issuer": "https://leaks.example.com",
		"assurance": "channel", "time": 1767225600, "received": 1767225600,
		"body": {"breach": "forum-2025", "credential_type": "password", "exposed_at": 1764633600, "published_at": 1767139200},
	},
	"subject": {"key": "email:jane@example.com", "format": "email", "user": "email:jane@example.com"},
	"user": {
		"id": "u-1", "keys": ["email:jane@example.com"], "account": {"state": "enabled"},
		"risk": {"level": "low", "sources": []},
		"history": changed_at(1763769600),
		"facts": {},
	},
}

changed_at(time) := [{"id": "e-9", "type": "credential-change", "time": time, "credential_type": "password", "change_type": "update"}]

compromised := object.union(object.remove(exposed, ["event"]), {"event": object.union(
	object.remove(exposed.event, ["body"]),
	{"type": "credential-compromise", "family": "risc", "time": 1764633600, "body": {"credential_type": "password"}},
)})

# Three days later nothing has happened.
due := object.union(object.remove(exposed, ["event"]), {"event": {
	"id": "e-2", "type": "timer", "family": "local", "source": "timer", "issuer": "timer",
	"assurance": "internal", "time": 1767484800, "received": 1767484800,
	"body": {"rule": "leaked_credentials", "name": "unchanged", "due": 1767484800, "data": {"exposed": 1764633600}},
}})

types(actions) := {a.type | some a in actions}

test_a_password_changed_before_the_exposure_must_be_changed if {
	leaked_credentials.actions == {{
		"type": "require-credential-change", "subject": "email:jane@example.com", "mode": "enforce", "credential_type": "password",
		"reason": "jane@example.com: the password was exposed 30 days ago in breach forum-2025 according to https://leaks.example.com; it was last changed 10 days before that",
	}} with input as exposed
	count(leaked_credentials.notes) == 0 with input as exposed
}

test_a_password_changed_since_is_recorded_only if {
	count(leaked_credentials.actions) == 0 with input as exposed with input.user.history as changed_at(1764720000)
	count(leaked_credentials.timers) == 0 with input as exposed with input.user.history as changed_at(1764720000)
	count(leaked_credentials.facts) == 0 with input as exposed with input.user.history as changed_at(1764720000)
	leaked_credentials.notes == {"jane@example.com: the password was exposed 30 days ago in breach forum-2025 according to https://leaks.example.com; it was changed 24 h later, so the exposed one is of no use"} with input as exposed
		with input.user.history as changed_at(1764720000)
}

test_a_password_changed_at_the_moment_of_exposure_must_be_changed if {
	types(leaked_credentials.actions) == {"require-credential-change"} with input as exposed with input.user.history as changed_at(1764633600)
}

test_without_a_known_change_it_must_be_changed if {
	reasons := {a.reason | some a in leaked_credentials.actions} with input as exposed with input.user.history as []
	reasons == {"jane@example.com: the password was exposed 30 days ago in breach forum-2025 according to https://leaks.example.com; no change of it is known"}
}

test_without_a_time_of_exposure_the_latest_possible_counts if {
	body := {"breach": "forum-2025", "credential_type": "password", "published_at": 1767139200}
	count(leaked_credentials.actions) == 1 with input as exposed with input.event.body as body with input.user.history as changed_at(1767139200)
	count(leaked_credentials.actions) == 0 with input as exposed with input.event.body as body with input.user.history as changed_at(1767139201)
}

test_without_any_time_the_report_counts if {
	body := {"breach": "forum-2025", "credential_type": "password"}
	count(leaked_credentials.actions) == 1 with input as exposed with input.event.body as body with input.user.history as changed_at(1767225600)
}

test_without_assurance_it_waits if {
	modes := {a.mode | some a in leaked_credentials.actions} with input as exposed with input.event.assurance as "none"
	modes == {"approve"}
}

test_at_high_risk_disabling_is_proposed if {
	held := {a.type | some a in leaked_credentials.actions; a.mode == "approve"} with input as exposed with input.user.risk.level as "high"
	held == {"disable-account"}
}

test_a_closed_account_has_nothing_to_lose[state] if {
	some state in ["disabled", "purged"]
	some what in [exposed, compromised, due]
	count(leaked_credentials.actions) == 0 with input as what with input.user.account.state as state with input.user.risk.level as "high"
	count(leaked_credentials.timers) == 0 with input as what with input.user.account.state as state
	count(leaked_credentials.facts) == 0 with input as what with input.user.account.state as state
}

test_the_change_is_waited_for_once[what] if {
	some what in [exposed, compromised]
	leaked_credentials.timers == {{"name": "unchanged", "after": "3d", "data": {"exposed": 1764633600}}} with input as what
	leaked_credentials.facts == {"waiting": {"value": true, "ttl": "3d", "of": "user"}} with input as what
	count(leaked_credentials.timers) == 0 with input as what with input.user.facts.leaked_credentials.waiting as true
	count(leaked_credentials.facts) == 0 with input as what with input.user.facts.leaked_credentials.waiting as true
}

test_a_password_that_stays_is_proposed_to_be_disabled if {
	leaked_credentials.actions == {{
		"type": "disable-account", "subject": "email:jane@example.com", "mode": "approve",
		"reason": "jane@example.com: the password known to others since 33 days has not been changed for 3 days though it was asked for",
	}} with input as due
}

test_a_password_changed_in_time_is_not if {
	count(leaked_credentials.actions) == 0 with input as due with input.user.history as changed_at(1767312000)
}

test_timers_of_others_are_none_of_its_business if {
	count(leaked_credentials.actions) == 0 with input as due with input.event.body.rule as "other"
	count(leaked_credentials.actions) == 0 with input as due with input.event.body.name as "other"
}

test_a_compromise_is_left_to_the_alert_but_for_the_wait if {
	count(leaked_credentials.actions) == 0 with input as compromised
	count(leaked_credentials.notes) == 0 with input as compromised
}

test_a_compromise_at_high_risk_proposes_to_disable if {
	reasons := {[a.type, a.mode, a.reason] | some a in leaked_credentials.actions} with input as compromised with input.user.risk.level as "high"
	reasons == {["disable-account", "approve", "jane@example.com: the password was exposed 30 days ago in a compromise according to https://leaks.example.com; it was last changed 10 days before that, and their risk is high already"]}
}

test_other_compromised_credentials_are_for_other_rules if {
	count(leaked_credentials.actions) == 0 with input as compromised
		with input.event.body.credential_type as "x509"
		with input.user.risk.level as "high"
	count(leaked_credentials.timers) == 0 with input as compromised with input.event.body.credential_type as "x509"
}

test_other_data_is_noted_only[case] if {
	some case in [
		{"body": {"breach": "b", "credential_type": "pin"}, "what": "a pin credential"},
		{"body": {"breach": "b", "data_classes": ["addresses", "names"]}, "what": "addresses, names"},
		{"body": {"breach": "b"}, "what": "data"},
	]
	count(leaked_credentials.actions) == 0 with input as exposed with input.event.body as case.body
	leaked_credentials.notes == {$"jane@example.com: breach b according to https://leaks.example.com exposed {case.what}, but no password as far as stated; nothing is to be changed for it"} with input as exposed
		with input.event.body as case.body
}
