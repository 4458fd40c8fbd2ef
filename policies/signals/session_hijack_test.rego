package signals.session_hijack_test

import data.signals.session_hijack

# Jane's session was established by one user agent and is presented by another
# ten minutes later.
presented := {
	"now": 1767226300,
	"event": {
		"id": "e-1", "type": "session-presented", "family": "caep", "source": "app", "issuer": "https://app.example.com",
		"assurance": "signed", "time": 1767226200, "received": 1767226201, "body": {"fp_ua": "ua-2"},
	},
	"subject": {
		"key": "complex:session=opaque:s-1&user=email:jane@example.com", "format": "complex",
		"user": "email:jane@example.com", "session": "opaque:s-1",
	},
	"user": {
		"id": "email:jane@example.com", "keys": ["email:jane@example.com"], "account": {"state": "enabled"},
		"risk": {"level": "low", "sources": []}, "facts": {},
	},
	"session": {
		"id": "opaque:s-1", "state": "live", "established": 1767225600,
		"ua": "ua-1", "ua_changed": true, "backing": "live",
	},
}

of_type(kind, body) := object.union(object.remove(presented, ["event"]), {"event": object.union(
	object.remove(presented.event, ["body"]),
	{"type": kind, "issuer": "https://idp.example.com", "body": body},
)})

risky := of_type("risk-level-change", {"principal": "SESSION", "current_level": "HIGH", "risk_reason": "token replay"})

moved := of_type("ip-change", {"previous_ip_address": "203.0.113.9", "current_ip_address": "198.51.100.7"})

target := {"user": "email:jane@example.com", "session": "opaque:s-1"}

user_only := {"key": "email:jane@example.com", "format": "email", "user": "email:jane@example.com"}

session_only := {"key": "opaque:s-1", "format": "opaque", "session": "opaque:s-1"}

suspect := {"threat_alert": {"suspect": {"state": "open", "credential_type": "password", "since": 1767219000}}}

changed(time) := object.union(suspect, {"session_hijack": {"replaced": {"credential_type": "password", "since": time}}})

told(actions) := {[a.type, a.subject, object.get(a, "mode", "enforce")] | some a in actions}

test_another_agent_is_proposed_and_stepped_up if {
	told(session_hijack.actions) == {["revoke-session", target, "approve"], ["step-up", target, "enforce"]} with input as presented
}

test_the_reason_names_both_agents if {
	reasons := {a.reason | some a in session_hijack.actions; a.type == "revoke-session"} with input as presented
	reasons == {"jane@example.com: session opaque:s-1: presented at https://app.example.com by user agent ua-2, established by ua-1 10 min earlier, which a browser that updates itself does too"}
}

test_another_agent_before_the_establishment_has_no_age if {
	reasons := {a.reason | some a in session_hijack.actions; a.type == "step-up"} with input as presented with input.session.established as 1767226300
	reasons == {"jane@example.com: session opaque:s-1: presented at https://app.example.com by user agent ua-2, established by ua-1; ending it waits for approval"}
}

test_another_agent_at_raised_risk_ends_the_session[level] if {
	some level in ["medium", "high"]
	told(session_hijack.actions) == {["revoke-session", target, "enforce"]} with input as presented with input.user.risk.level as level
}

test_another_agent_at_raised_risk_waits_without_a_signature if {
	told(session_hijack.actions) == {["revoke-session", target, "approve"], ["step-up", target, "enforce"]} with input as presented
		with input.user.risk.level as "high"
		with input.event.assurance as "channel"
}

test_the_same_agent_is_no_hijack if {
	count(session_hijack.actions) == 0 with input as presented with input.session.ua_changed as false
}

test_a_session_that_ended_is_for_other_rules if {
	count(session_hijack.actions) == 0 with input as presented with input.session.state as "revoked"
}

test_a_closed_account_is_for_other_rules[state] if {
	some state in ["disabled", "purged"]
	some what in [presented, risky, object.union(moved, {"user": {"risk": {"level": "high"}}}), object.union(moved, {"user": {"risk": {"level": "medium"}}})]
	count(session_hijack.actions) == 0 with input as what with input.user.account.state as state
	count(session_hijack.actions) == 0 with input as what with input.user.account.state as state with input.user.facts as suspect
}

test_with_a_suspect_credential_all_sessions_end[what] if {
	some what in [presented, risky]
	told(session_hijack.actions) == {["revoke-session", "email:jane@example.com", "enforce"]} with input as what with input.user.facts as suspect
}

test_the_reason_names_the_suspect_credential if {
	reasons := {a.reason | some a in session_hijack.actions} with input as risky with input.user.facts as suspect
	reasons == {"jane@example.com: session opaque:s-1: risk is high according to https://idp.example.com (token replay); the password credential is known to others since 2 h, so all sessions end"}
}

test_a_credential_changed_since_is_not_suspect if {
	told(session_hijack.actions) == {["revoke-session", target, "enforce"]} with input as risky with input.user.facts as changed(1767219001)
}

test_a_credential_changed_before_is_suspect if {
	told(session_hijack.actions) == {["revoke-session", "email:jane@example.com", "enforce"]} with input as risky with input.user.facts as changed(1767219000)
}

test_a_session_at_high_risk_ends if {
	session_hijack.actions == {{
		"type": "revoke-session", "subject": target, "mode": "enforce",
		"reason": "jane@example.com: session opaque:s-1: risk is high according to https://idp.example.com (token replay)",
	}} with input as risky
}

test_reasons_for_administrators_are_given_too if {
	body := {"principal": "SESSION", "current_level": "HIGH", "reason_admin": {"en": "two places"}}
	reasons := {a.reason | some a in session_hijack.actions} with input as risky with input.event.body as body
	reasons == {"jane@example.com: session opaque:s-1: risk is high according to https://idp.example.com (two places)"}
}

test_without_a_reason_none_is_given if {
	reasons := {a.reason | some a in session_hijack.actions} with input as risky with input.event.body as {"principal": "SESSION", "current_level": "HIGH"}
	reasons == {"jane@example.com: session opaque:s-1: risk is high according to https://idp.example.com"}
}

test_an_unsigned_risk_waits if {
	told(session_hijack.actions) == {["revoke-session", target, "approve"]} with input as risky with input.event.assurance as "none"
}

test_a_lower_risk_of_a_session_ends_nothing[level] if {
	some level in ["LOW", "MEDIUM"]
	count(session_hijack.actions) == 0 with input as risky with input.event.body.current_level as level
}

test_risks_of_others_are_for_other_rules[principal] if {
	some principal in ["USER", "DEVICE"]
	count(session_hijack.actions) == 0 with input as risky with input.event.body.principal as principal
	count(session_hijack.notes) == 0 with input as risky with input.event.body.principal as principal
}

test_a_session_of_nobody_is_named_alone if {
	acted := {[a.subject, a.reason] | some a in session_hijack.actions} with input as object.remove(risky, ["user"]) with input.subject as session_only
	acted == {["opaque:s-1", "somebody unknown: session opaque:s-1: risk is high according to https://idp.example.com (token replay)"]}
}

test_a_user_known_of_the_session_is_named_by_id if {
	told(session_hijack.actions) == {["revoke-session", "email:jane@example.com", "enforce"]} with input as risky
		with input.subject as session_only
		with input.user.facts as suspect
}

test_a_risk_of_an_unnamed_session_is_noted_only if {
	count(session_hijack.actions) == 0 with input as risky with input.subject as user_only
	session_hijack.notes == {"email:jane@example.com: risk is high according to https://idp.example.com (token replay), but the session is not named; none is ended"} with input as risky
		with input.subject as user_only
}

test_an_address_alone_is_no_evidence[level] if {
	some level in ["unknown", "low"]
	count(session_hijack.actions) == 0 with input as moved with input.user.risk.level as level
}

test_an_address_at_medium_risk_asks_for_stronger_authentication if {
	session_hijack.actions == {{
		"type": "step-up", "subject": target,
		"reason": "jane@example.com: session opaque:s-1: the address changed from 203.0.113.9 to 198.51.100.7 while the risk of the user is medium",
	}} with input as moved with input.user.risk.level as "medium"
}

test_an_address_at_high_risk_ends_the_session if {
	told(session_hijack.actions) == {["revoke-session", target, "enforce"]} with input as moved with input.user.risk.level as "high"
}

test_an_address_at_high_risk_without_a_session_asks_for_stronger_authentication if {
	session_hijack.actions == {{
		"type": "step-up", "subject": "email:jane@example.com",
		"reason": "jane@example.com: the address changed from 203.0.113.9 to 198.51.100.7 while the risk of the user is high, and the session to end is not named",
	}} with input as moved
		with input.user.risk.level as "high"
		with input.subject as user_only
}

change := of_type("credential-change", {"credential_type": "password", "change_type": "update"})

test_a_change_of_the_suspect_credential_is_remembered if {
	replaced := {"credential_type": "password", "since": 1767226200}
	session_hijack.facts == {"replaced": {"value": replaced, "ttl": "90d", "of": "user"}} with input as change with input.user.facts as suspect
	count(session_hijack.actions) == 0 with input as change with input.user.facts as suspect
}

test_other_changes_are_not if {
	count(session_hijack.facts) == 0 with input as change
	count(session_hijack.facts) == 0 with input as change with input.user.facts as suspect with input.event.body.credential_type as "pin"
}
