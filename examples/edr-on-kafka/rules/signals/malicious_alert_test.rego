package signals.malicious_alert_test

import data.signals.malicious_alert

dumping := {
	"now": 1770113720,
	"event": {
		"id": "e-1", "type": "alert", "family": "local", "source": "edr", "issuer": "edr", "assurance": "channel",
		"time": 1770113704, "received": 1770113720, "concepts": ["device-risk", "credential-compromise"],
		"body": {
			"alert_id": "a-1", "severity": "high", "state": "new", "disposition": "detected_only",
			"title": "Credential dumping from LSASS",
		},
	},
	"subject": {
		"key": "complex:device=opaque:laptop-7&user=email:jane@example.com", "format": "complex",
		"user": "email:jane@example.com", "device": "opaque:laptop-7",
	},
	"user": {"id": "u-1", "keys": ["email:jane@example.com", "iss_sub:crowdstrike|S-1-5-21-1-2-3-1104"]},
}

types(actions) := {a.type | some a in actions}

test_stolen_credentials_end_the_sessions_and_propose_a_change if {
	malicious_alert.actions == {
		{
			"type": "revoke-session", "subject": "email:jane@example.com",
			"reason": "email:jane@example.com: high alert of edr (Credential dumping from LSASS)",
		},
		{
			"type": "require-credential-change", "subject": "email:jane@example.com", "mode": "approve",
			"reason": "email:jane@example.com: high alert of edr (Credential dumping from LSASS)",
			"credential_type": "password",
		},
	} with input as dumping
}

test_other_malware_ends_the_sessions_alone if {
	types(malicious_alert.actions) == {"revoke-session"} with input as dumping with input.event.concepts as ["malware"]
}

test_an_alert_without_a_title_says_what_is_known if {
	some action in malicious_alert.actions with input as json.remove(dumping, ["event/body/title"])
	action.reason == "email:jane@example.com: high alert of edr"
}

test_a_low_alert_does_nothing if {
	count(malicious_alert.actions) == 0 with input as dumping with input.event.body.severity as "low"
	count(malicious_alert.notes) == 0 with input as dumping with input.event.body.severity as "low"
}

test_a_settled_alert_does_nothing_and_says_so if {
	every body in [{"state": "dismissed"}, {"state": "resolved"}, {"verdict": "false_positive"}, {"verdict": "benign_positive"}] {
		settled := object.union(dumping, {"event": {"body": body}})
		count(malicious_alert.actions) == 0 with input as settled
		count(malicious_alert.notes) == 1 with input as settled
	}
}

test_a_user_without_an_address_goes_by_the_key_of_the_alert if {
	known := "iss_sub:crowdstrike|S-1-5-21-1-2-3-1104"
	some action in malicious_alert.actions with input as dumping with input.subject.user as known with input.user.keys as [known]
	action.subject == known
}

test_an_alert_about_nobody_does_nothing if {
	count(malicious_alert.actions) == 0 with input as json.remove(dumping, ["subject/user", "user"])
}
