package lib.people_test

import data.lib.people

test_the_address_is_the_name if people.name(["iss_sub:https://idp.example.com|1", "email:jane@example.com"]) == "jane@example.com"

test_the_first_key_is_the_name if people.name(["opaque:b", "opaque:a"]) == "opaque:a"

test_nobody_has_no_name if people.name([]) == "somebody unknown"

test_a_key_others_know_is_kept if people.shared_key("opaque:a", ["email:jane@example.com", "opaque:a"]) == "opaque:a"

test_an_address_stands_for_scim if people.shared_key("scim:/Users/1", ["email:jane@example.com", "scim:/Users/1"]) == "email:jane@example.com"

test_an_issuers_subject_stands_for_scim if {
	people.shared_key("scim:/Users/1", ["iss_sub:https://idp.example.com|1", "scim:/Users/1"]) == "iss_sub:https://idp.example.com|1"
}

test_scim_alone_is_kept if people.shared_key("scim:/Users/1", ["scim:/Users/1"]) == "scim:/Users/1"
