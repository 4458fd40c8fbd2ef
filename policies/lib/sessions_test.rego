package lib.sessions_test

import data.lib.sessions

test_a_session_is_named_with_its_user if {
	sessions.subject("opaque:s", "email:jane@example.com", ["email:jane@example.com"]) == {"user": "email:jane@example.com", "session": "opaque:s"}
}

test_a_session_without_id_is_named_by_its_user if {
	sessions.subject("email:jane@example.com", "email:jane@example.com", ["email:jane@example.com"]) == "email:jane@example.com"
}

test_a_complex_name_is_kept if {
	sessions.subject("complex:user=opaque:u", "opaque:u", ["opaque:u"]) == "complex:user=opaque:u"
}

test_long_ids_are_cut if sessions.short("opaque:0123456789012345678901234567") == "…2345678901234567"

test_short_ids_are_whole if sessions.short("opaque:s-1") == "opaque:s-1"
