# METADATA
# title: Credentials
# description: What the history of a user says about their credentials.
package lib.credentials

# METADATA
# title: When a credential was last changed
# description: >-
#   The newest change of the kind of credential, revoked and deleted ones
#   included: what was exposed before is of no use after it. Undefined if no
#   change is known.
changed(history, kind) := max({past.time |
	some past in history
	past.type == "credential-change"
	past.credential_type == kind
})

# METADATA
# title: The kinds of credential others know
# description: Those reported as compromised and not changed since then.
exposed(history) := {past.credential_type |
	some past in history
	past.type == "credential-compromise"
	not renewed(history, past.credential_type, past.time)
}

# METADATA
# title: Whether a credential was changed after a time
renewed(history, kind, time) if changed(history, kind) > time
