package signals.threat_alert_test

import data.signals.threat_alert

# Jane's password was exposed at 1767225600; she has one session from before and
# one from after.
exposed := {
	"now": 1767229200,
	"event": {
		"id": "e-1", "type": "credential-compromise", "family": "risc", "source": "feed", "issuer": "https://threats.example.com",
		"assurance": "signed", "time": 1767225600, "received": 1767229199, "txn": "campaign-7",
		"body": {"credential_type": "password", "reason_admin": {"en": "phishing page"}},
	},
	"subject": {"key": "email:jane@example.com", "format": "email", "user": "email:jane@example.com"},
	"user": {
		"id": "u-1", "keys": ["email:jane@example.com"], "email": "jane@example.com",
		"risk": {"level": "low", "sources": []},
		"sessions": [
			{"id": "opaque:after", "issuer": "https://idp.example.com", "state": "live", "established": 1767225900},
			{"id": "opaque:before", "issuer": "https://idp.example.com", "state": "live", "established": 1767222000},
		],
		"history": [],
	},
	"window": {"campaign": 1},
}

types(actions) := {a.type | some a in actions}

test_only_sessions_begun_after_the_exposure_end if {
	revoked := {a.subject | some a in threat_alert.actions; a.type == "revoke-session"} with input as exposed
	revoked == {{"user": "email:jane@example.com", "session": "opaque:after"}}
}

test_the_reason_says_what_was_exposed_and_when_the_session_began if {
	reasons := {a.reason | some a in threat_alert.actions; a.type == "revoke-session"} with input as exposed
	reasons == {"jane@example.com: session opaque:after at https://idp.example.com began 5 min after the password credential was reported as exposed by https://threats.example.com (phishing page)"}
}

test_without_a_reason_none_is_given if {
	reasons := {a.reason | some a in threat_alert.actions; a.type == "require-credential-change"} with input as exposed
		with input.event.body as {"credential_type": "pin"}
	reasons == {"jane@example.com: the pin credential was reported as exposed by https://threats.example.com"}
}

test_older_sessions_are_named_for_a_closer_look if {
	threat_alert.notes == {"jane@example.com: session opaque:before at https://idp.example.com began 60 min before the password credential was reported as exposed by https://threats.example.com (phishing page); it is left alone, look at it"} with input as exposed
}

test_a_session_begun_at_the_moment_of_exposure_ends if {
	revoked := {a.subject.session | some a in threat_alert.actions; a.type == "revoke-session"} with input as exposed
		with input.user.sessions as [{"id": "opaque:same", "issuer": "i", "state": "live", "established": 1767225600}]
	revoked == {"opaque:same"}
}

test_a_session_of_unknown_beginning_ends if {
	revoked := {a.subject.session | some a in threat_alert.actions; a.type == "revoke-session"} with input as exposed
		with input.user.sessions as [{"id": "opaque:s", "issuer": "i", "state": "live", "last_seen": 1767229000}]
	revoked == {"opaque:s"}
}

test_when_all_sessions_are_older_none_ends if {
	types(threat_alert.actions) == {"require-credential-change", "raise-risk"} with input as exposed
		with input.user.sessions as [{"id": "opaque:before", "issuer": "i", "state": "live", "established": 1767222000}]
}

test_without_inventory_all_sessions_end if {
	revoked := {a.subject | some a in threat_alert.actions; a.type == "revoke-session"} with input as exposed with input.user.sessions as []
	revoked == {"email:jane@example.com"}
}

test_sessions_without_id_end_with_all_others_and_say_so if {
	sessions := [
		{"id": "email:jane@example.com", "issuer": "https://a.example.com", "state": "live"},
		{"id": "email:jane@example.com", "issuer": "https://b.example.com", "state": "live", "established": 1767226000},
	]
	revoked := {a.subject | some a in threat_alert.actions; a.type == "revoke-session"} with input as exposed with input.user.sessions as sessions
	revoked == {"email:jane@example.com"}
	count(threat_alert.notes) == 2 with input as exposed with input.user.sessions as sessions
}

test_the_credential_must_be_changed if {
	kinds := {a.credential_type | some a in threat_alert.actions; a.type == "require-credential-change"} with input as exposed
	kinds == {"password"}
}

test_the_risk_rises_to_high[level] if {
	some level in ["low", "medium"]
	raised := {[a.level, a.previous_level] | some a in threat_alert.actions; a.type == "raise-risk"} with input as exposed with input.user.risk.level as level
	raised == {["HIGH", upper(level)]}
}

test_an_unknown_risk_has_no_previous_level if {
	raised := {object.keys(a) | some a in threat_alert.actions; a.type == "raise-risk"} with input as exposed with input.user.risk.level as "unknown"
	raised == {{"type", "subject", "mode", "reason", "principal", "level"}}
}

test_a_high_risk_is_not_raised_again if {
	not "raise-risk" in types(threat_alert.actions) with input as exposed with input.user.risk.level as "high"
	"jane@example.com: risk is high already and stays" in threat_alert.notes with input as exposed with input.user.risk.level as "high"
}

test_a_signed_alert_acts_alone if {
	wanted := {a.mode | some a in threat_alert.actions; a.mode} with input as exposed
	wanted == {"enforce"}
	not "step-up" in types(threat_alert.actions) with input as exposed
}

test_an_unsigned_alert_asks_first[assurance] if {
	some assurance in ["channel", "none"]
	held := {a.type | some a in threat_alert.actions; a.mode == "approve"} with input as exposed with input.event.assurance as assurance
	held == {"revoke-session", "require-credential-change", "raise-risk"}
	free := {a.type | some a in threat_alert.actions; not a.mode} with input as exposed with input.event.assurance as assurance
	free == {"step-up"}
}

test_the_third_user_makes_a_campaign if {
	reasons := {a.reason | some a in threat_alert.actions; a.type == "step-up"} with input as exposed with input.window.campaign as 3
	reasons == {"jane@example.com: one of 3 users hit by campaign campaign-7 within a day"}
	"campaign campaign-7: 3 users with exposed credentials within a day, jane@example.com the latest" in threat_alert.notes with input as exposed with input.window.campaign as 3
}

test_two_users_are_no_campaign if {
	not "step-up" in types(threat_alert.actions) with input as exposed with input.window.campaign as 2
}

test_an_unsigned_campaign_steps_up_once if {
	steps := [a | some a in threat_alert.actions; a.type == "step-up"] with input as exposed
		with input.window.campaign as 5
		with input.event.assurance as "channel"
	count(steps) == 1
}

# The password was changed ten minutes after the exposure, before it was reported.
changed_at(time) := [{"id": "e-9", "type": "credential-change", "time": time, "credential_type": "password", "change_type": "update"}]

test_a_credential_changed_since_is_recorded_only if {
	sessions := [
		{"id": "opaque:new", "issuer": "https://idp.example.com", "state": "live", "established": 1767226800},
		{"id": "opaque:between", "issuer": "https://idp.example.com", "state": "live", "established": 1767225900},
	]
	{a.subject.session | some a in threat_alert.actions} == {"opaque:between"} with input as exposed
		with input.user.sessions as sessions
		with input.user.history as changed_at(1767226200)
	threat_alert.notes == {"jane@example.com: the password credential was reported as exposed by https://threats.example.com (phishing page), but it was changed 10 min later; only sessions begun in between end"} with input as exposed
		with input.user.sessions as sessions
		with input.user.history as changed_at(1767226200)
}

test_a_credential_changed_since_ends_no_unknown_sessions[assurance] if {
	some assurance in ["signed", "channel"]
	count(threat_alert.actions) == 0 with input as exposed
		with input.user.sessions as []
		with input.user.risk.level as "unknown"
		with input.window.campaign as 3
		with input.event.assurance as assurance
		with input.user.history as changed_at(1767226200)
}

test_a_change_before_the_exposure_does_not_help if {
	types(threat_alert.actions) == {"revoke-session", "require-credential-change", "raise-risk"} with input as exposed
		with input.user.history as changed_at(1767225600)
}

test_the_credential_is_remembered_as_suspect if {
	suspect := {"state": "open", "credential_type": "password", "since": 1767225600, "txn": "campaign-7"}
	threat_alert.facts == {"suspect": {"value": suspect, "ttl": "90d", "of": "user"}} with input as exposed
}

test_an_alert_without_a_transaction_is_too if {
	transactions := {f.value.txn | some f in threat_alert.facts} with input as object.remove(exposed, ["event"])
		with input.event as object.remove(exposed.event, ["txn"])
	transactions == {""}
}

test_a_credential_changed_since_is_not if {
	count(threat_alert.facts) == 0 with input as exposed with input.user.history as changed_at(1767226200)
}

test_a_change_of_another_credential_does_not_help if {
	types(threat_alert.actions) == {"revoke-session", "require-credential-change", "raise-risk"} with input as exposed
		with input.user.history as changed_at(1767226200)
		with input.event.body.credential_type as "pin"
}

test_other_events_are_none_of_its_business if {
	count(threat_alert.actions) == 0 with input as object.union(exposed, {"event": {"type": "account-disabled"}})
}
