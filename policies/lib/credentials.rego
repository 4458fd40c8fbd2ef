# METADATA
# title: Credentials
# description: What the history of a user and the facts about them say of their credentials.
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
# title: Whether a credential was changed after a time
renewed(history, kind, time) if changed(history, kind) > time

# METADATA
# title: The kind of credential that others know
# description: >-
#   The one reported last as compromised, remembered by threat_alert, unless
#   session_hijack saw it changed since. Undefined if there is none.
suspect(facts) := facts.threat_alert.suspect.credential_type if {
	not replaced(facts)
}

replaced(facts) if facts.session_hijack.replaced.since > facts.threat_alert.suspect.since
