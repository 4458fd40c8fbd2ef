package lib.credentials_test

import data.lib.credentials

history := [
	{"id": "e-5", "type": "credential-change", "time": 50, "credential_type": "pin", "change_type": "delete"},
	{"id": "e-4", "type": "credential-compromise", "time": 40, "credential_type": "password"},
	{"id": "e-3", "type": "credential-change", "time": 30, "credential_type": "password", "change_type": "update"},
	{"id": "e-2", "type": "credential-compromise", "time": 20, "credential_type": "pin"},
	{"id": "e-1", "type": "credential-change", "time": 10, "credential_type": "password", "change_type": "create"},
]

test_the_newest_change_counts if credentials.changed(history, "password") == 30

test_no_change_is_known if not credentials.changed(history, "x509")

test_changed_after if credentials.renewed(history, "password", 29)

test_not_changed_after[time] if {
	some time in [30, 31]
	not credentials.renewed(history, "password", time)
}

test_unknown_changes_renew_nothing if not credentials.renewed(history, "x509", 1)

alert := {"threat_alert": {"suspect": {"credential_type": "pin", "since": 10}}}

replaced(time) := object.union(alert, {"session_hijack": {"replaced": {"credential_type": "pin", "since": time}}})

test_reported_is_suspect[facts] if {
	some facts in [alert, replaced(9), replaced(10)]
	credentials.suspect(facts) == "pin"
}

test_replaced_is_not if not credentials.suspect(replaced(11))

test_nothing_is_suspect if not credentials.suspect({})
