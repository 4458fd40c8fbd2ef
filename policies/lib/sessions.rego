# METADATA
# title: Sessions
# description: How to name a session of the inventory to others.
package lib.sessions

# METADATA
# title: Whether a session can be named on its own
# description: >-
#   A session that was stated without an id is known by the key of its user,
#   and can only be ended together with the user's others.
named(id, user_keys) if not id in user_keys

# METADATA
# title: The subject that names a session
# description: A complex subject of user and session, or what the issuer used.
subject(id, user_key, user_keys) := {"user": user_key, "session": id} if {
	named(id, user_keys)
	not startswith(id, "complex:")
} else := id

# METADATA
# title: The end of a session's id
# description: Enough to tell sessions apart in a sentence.
short(id) := id if count(id) <= 24

else := concat("", ["…", substring(id, count(id) - 16, 16)])
