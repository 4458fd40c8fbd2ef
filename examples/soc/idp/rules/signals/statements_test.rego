package signals.statements_test

import data.signals.statements

logged(type, body) := {
	"now": 1770113720,
	"event": {
		"id": "e-1", "type": type, "family": "caep", "source": "log", "issuer": "log", "assurance": "channel",
		"time": 1770113704, "received": 1770113720, "body": body,
	},
	"subject": {
		"key": "complex:session=opaque:idx-jane-1&user=email:jane@example.com", "format": "complex",
		"user": "email:jane@example.com", "session": "opaque:idx-jane-1",
	},
	"user": {"id": "u-1", "keys": ["email:jane@example.com", "iss_sub:okta|00u1jane"]},
}

test_a_session_is_stated_with_its_user if {
	some action in statements.actions with input as logged("session-established", {"initiating_entity": "user"})
	action.type == "state-session-established"
	action.subject == {"user": "email:jane@example.com", "session": "opaque:idx-jane-1"}
	action.key == "e-1"
}

test_ended_sessions_are_stated_of_the_user if {
	some action in statements.actions with input as logged("session-revoked", {"reason_admin": {"en": "asked for"}})
	[action.type, action.subject, action.reason] == ["state-session-revoked", "email:jane@example.com", "asked for"]
	some plain in statements.actions with input as logged("session-revoked", {})
	plain.reason == "sessions ended"
}

test_a_risk_is_stated_with_its_levels if {
	some action in statements.actions with input as logged("risk-level-change", {"principal": "USER", "current_level": "HIGH", "previous_level": "LOW", "risk_reason": "New country"})
	[action.type, action.level, action.before, action.reason] == ["state-risk", "HIGH", "LOW", "New country"]
	some first in statements.actions with input as logged("risk-level-change", {"principal": "USER", "current_level": "HIGH", "risk_reason": "New country"})
	first.before == null
	count(statements.actions) == 0 with input as logged("risk-level-change", {"principal": "SESSION", "current_level": "HIGH", "risk_reason": "New country"})
}

test_a_changed_credential_is_stated if {
	some action in statements.actions with input as logged("credential-change", {"credential_type": "password", "change_type": "update"})
	[action.type, action.credential, action.change] == ["state-credential-change", "password", "update"]
}
