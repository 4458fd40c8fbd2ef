package signals.endpoint_and_identity_test

import data.signals.endpoint_and_identity

dumping := {
	"now": 1770113720,
	"event": {
		"id": "e-1", "type": "alert", "family": "local", "source": "bus", "issuer": "bus", "assurance": "channel",
		"time": 1770113704, "received": 1770113720, "concepts": ["device-risk", "credential-compromise"],
		"body": {"alert_id": "a-1", "severity": "high", "state": "new", "title": "Credential dumping from LSASS"},
		"ecs": {"observer": {"vendor": "CrowdStrike"}},
	},
	"subject": {
		"key": "complex:device=opaque:laptop-7&user=email:jane@example.com", "format": "complex",
		"user": "email:jane@example.com", "device": "opaque:laptop-7",
	},
	"user": {
		"id": "u-1", "keys": ["email:jane@example.com", "iss_sub:crowdstrike|S-1-5-21-1-2-3-1104"],
		"sessions": [{"id": "opaque:idx-jane-1", "state": "live", "issuer": "https://localhost:8090"}],
		"risk": {"level": "unknown", "sources": []}, "facts": {},
	},
}

said := {"alert": {"alert": "high alert of CrowdStrike (Credential dumping from LSASS)", "time": 1770113704, "credentials": true}}

risky := {
	"now": 1770114000,
	"event": {
		"id": "e-2", "type": "risk-level-change", "family": "caep", "source": "idp", "issuer": "https://localhost:8090", "assurance": "signed",
		"time": 1770114000, "received": 1770114000,
		"body": {"principal": "USER", "current_level": "HIGH", "previous_level": "LOW", "risk_reason": "IP of a known threat"},
	},
	"change": {"entity": "user.risk", "from": "unknown", "to": "high", "applied": true},
	"subject": {"key": "email:jane@example.com", "format": "email", "user": "email:jane@example.com"},
	"user": {
		"id": "u-1", "keys": ["email:jane@example.com"], "sessions": [],
		"risk": {"level": "unknown", "sources": []}, "facts": {"endpoint_and_identity": said},
	},
}

test_a_serious_alert_ends_sessions_and_is_remembered if {
	endpoint_and_identity.actions == {{
		"type": "revoke-session", "subject": "email:jane@example.com",
		"reason": "jane@example.com: high alert of CrowdStrike (Credential dumping from LSASS) while signed in at https://localhost:8090",
	}} with input as dumping
	endpoint_and_identity.facts.alert.value == said.alert with input as dumping
}

test_without_a_session_it_is_noted_and_remembered if {
	out := object.union(dumping, {"user": {"sessions": []}})
	count(endpoint_and_identity.actions) == 0 with input as out
	count(endpoint_and_identity.facts) == 1 with input as out
	endpoint_and_identity.notes == {"jane@example.com: high alert of CrowdStrike (Credential dumping from LSASS), but no live session is known"} with input as out
}

test_a_mild_alert_does_nothing if {
	mild := object.union(dumping, {"event": {"body": {"severity": "low"}}})
	count(endpoint_and_identity.actions) + count(endpoint_and_identity.notes) + count(endpoint_and_identity.facts) == 0 with input as mild
}

test_a_settled_alert_is_noted if {
	every body in [{"state": "dismissed"}, {"state": "resolved"}, {"verdict": "false_positive"}, {"verdict": "benign_positive"}] {
		settled := object.union(dumping, {"event": {"body": body}})
		count(endpoint_and_identity.actions) + count(endpoint_and_identity.facts) == 0 with input as settled
		count(endpoint_and_identity.notes) == 1 with input as settled
	}
}

test_an_alert_while_the_risk_is_high_disables_the_account if {
	high := object.union(dumping, {"user": {"risk": {"level": "high", "since": 1770113000, "sources": []}}})
	{a.type | some a in endpoint_and_identity.actions} == {"revoke-session", "disable-account"} with input as high
	long_ago := object.union(dumping, {"user": {"risk": {"level": "high", "since": 1770000000, "sources": []}}})
	{a.type | some a in endpoint_and_identity.actions} == {"revoke-session"} with input as long_ago
}

test_a_high_risk_after_an_alert_disables_the_account if {
	endpoint_and_identity.actions == {{
		"type": "disable-account", "subject": "email:jane@example.com",
		"reason": "jane@example.com: the identity provider rates the risk as high (IP of a known threat) soon after high alert of CrowdStrike (Credential dumping from LSASS)",
	}} with input as risky
	count(endpoint_and_identity.notes) == 0 with input as risky
}

test_a_high_risk_alone_is_noted if {
	every facts in [{}, {"endpoint_and_identity": {"alert": {"alert": "an old one", "time": 1770000000, "credentials": true}}}] {
		alone := object.union(json.remove(risky, ["user/facts"]), {"user": {"facts": facts}})
		count(endpoint_and_identity.actions) == 0 with input as alone
		count(endpoint_and_identity.notes) == 1 with input as alone
	}
}

test_words_that_are_missing_are_left_out if {
	bare := json.remove(dumping, ["event/body/title", "event/ecs"])
	some action in endpoint_and_identity.actions with input as bare
	action.reason == "jane@example.com: high alert of bus while signed in at https://localhost:8090"
	some disable in endpoint_and_identity.actions with input as json.remove(risky, ["event/body/risk_reason"])
	contains(disable.reason, "rates the risk as high soon after")
}
