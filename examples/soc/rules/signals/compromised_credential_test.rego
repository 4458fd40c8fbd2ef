package signals.compromised_credential_test

import data.signals.compromised_credential

reported := {
	"now": 1770113720,
	"event": {
		"id": "e-1", "type": "credential-compromise", "family": "risc", "source": "bus", "issuer": "https://feed.example.net", "assurance": "signed",
		"time": 1770113704, "received": 1770113720, "concepts": ["credential-compromise"],
		"body": {"credential_type": "password", "reason_admin": {"en": "stealer logs"}},
	},
	"subject": {"key": "email:sam@example.com", "format": "email", "user": "email:sam@example.com"},
	"user": {"id": "u-1", "keys": ["email:sam@example.com"], "facts": {}},
}

theft := {
	"now": 1770114000,
	"event": {
		"id": "e-2", "type": "alert", "family": "local", "source": "bus", "issuer": "bus", "assurance": "channel",
		"time": 1770114000, "received": 1770114000, "concepts": ["device-risk", "credential-compromise"],
		"body": {"alert_id": "a-1", "severity": "high", "state": "new", "title": "Information stealer"},
	},
	"subject": {"key": "email:sam@example.com", "format": "email", "user": "email:sam@example.com"},
	"user": {"id": "u-1", "keys": ["email:sam@example.com"], "facts": {"compromised_credential": {"report": said}}},
}

said := {"report": "https://feed.example.net reports a password as known to others (stealer logs)", "time": 1770113704, "credential_type": "password"}

test_a_report_alone_asks_a_person_and_is_remembered if {
	compromised_credential.actions == {{
		"type": "require-credential-change", "subject": "email:sam@example.com", "mode": "approve", "credential_type": "password",
		"reason": "sam@example.com: https://feed.example.net reports a password as known to others (stealer logs)",
	}} with input as reported
	compromised_credential.facts.report.value == said with input as reported
}

test_a_report_after_a_theft_asks_nobody if {
	alert := {"alert": "high alert of Microsoft", "time": 1770110000, "credentials": true}
	after := object.union(reported, {"user": {"facts": {"endpoint_and_identity": {"alert": alert}}}})
	some action in compromised_credential.actions with input as after
	action.reason == "sam@example.com: https://feed.example.net reports a password as known to others (stealer logs) after high alert of Microsoft"
	not action.mode
	every other in [{"credentials": false}, {"time": 1770000000}] {
		some asked in compromised_credential.actions with input as object.union(after, {"user": {"facts": {"endpoint_and_identity": {"alert": other}}}})
		asked.mode == "approve"
	}
}

test_a_theft_after_a_report_asks_nobody if {
	some action in compromised_credential.actions with input as theft
	action.reason == concat("", ["sam@example.com: ", said.report, ", and now credentials are stolen from a device (Information stealer)"])
	not action.mode
}

test_a_theft_that_is_settled_or_without_a_report_does_nothing if {
	every body in [{"state": "resolved"}, {"verdict": "false_positive"}] {
		count(compromised_credential.actions) == 0 with input as object.union(theft, {"event": {"body": body}})
	}
	count(compromised_credential.actions) == 0 with input as json.remove(theft, ["user/facts/compromised_credential"])
	count(compromised_credential.actions) == 0 with input as object.union(theft, {"event": {"concepts": ["malware"]}})
}

test_words_that_are_missing_are_left_out if {
	some action in compromised_credential.actions with input as json.remove(reported, ["event/body/reason_admin"])
	endswith(action.reason, "as known to others")
	some demanded in compromised_credential.actions with input as json.remove(theft, ["event/body/title"])
	endswith(demanded.reason, "stolen from a device")
}
