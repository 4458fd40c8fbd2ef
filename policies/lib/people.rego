# METADATA
# title: Names of people
# description: Which of the keys known of a user to show and to send.
package lib.people

import data.lib.keys

# METADATA
# title: The name analysts know somebody by
# description: The e-mail address if there is one, else the first key.
name(known) := trim_prefix(min(keys.of_format(known, "email")), "email:") if {
	count(keys.of_format(known, "email")) > 0
} else := min(known) if {
	count(known) > 0
} else := "somebody unknown"

# METADATA
# title: The key others know somebody by
# description: >-
#   The key an event used, unless only the sender's own directory understands
#   it (SCIM): then an e-mail address or an issuer's subject, if one is known.
shared_key(used, _) := used if not startswith(used, "scim:")

shared_key(used, known) := min(keys.of_format(known, "email")) if {
	startswith(used, "scim:")
	count(keys.of_format(known, "email")) > 0
} else := min(keys.of_format(known, "iss_sub")) if {
	startswith(used, "scim:")
	count(keys.of_format(known, "iss_sub")) > 0
} else := used if startswith(used, "scim:")
