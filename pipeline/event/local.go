package event

// LocalBase begins the URI of every event of the local family.
const LocalBase = "urn:signalbox:event:"

// localTypes say what no standard has an event for. They are made by mappings,
// operators and the product itself, and are sent to nobody unless an action
// says so.
func localTypes() []*Type {
	const rule = "" // no standard stands behind these members
	str := func(name, doc string) Field { return text(name, rule, doc) }
	num := func(name, doc string) Field { return of(Number, name, rule, doc) }
	flag := func(name, doc string) Field { return of(Boolean, name, rule, doc) }
	list := func(name, doc string) Field { return of(Strings, name, rule, doc) }
	enum := func(name, doc string, values ...string) Field { return oneOf(name, rule, doc, values...) }

	conceptList := list("concepts", "what it is about, names of the concept vocabulary")
	exposed := credentialType(rule)
	exposed.Required = false

	types := []*Type{
		{Name: "alert", concepts: "concepts", Doc: "A detection by a security product.",
			Fields: []Field{
				str("alert_id", "the product's id of the alert").must(),
				enum("severity", "how bad", "informational", "low", "medium", "high", "critical", "unknown").must(),
				enum("confidence", "how sure", "low", "medium", "high", "unknown"),
				enum("state", "where its handling stands", "new", "in_progress", "resolved", "dismissed", "unknown"),
				enum("verdict", "what its handling found", "true_positive", "benign_positive", "false_positive", "suspicious", "undetermined"),
				enum("disposition", "what the product did about it",
					"blocked", "quarantined", "killed", "isolated", "deleted", "allowed", "detected_only", "failed", "unknown"),
				str("title", "name of the alert"),
				str("reason", "what happened, in one sentence"),
				str("rule_id", "id of the product's detection rule"),
				str("rule_name", "name of the product's detection rule"),
				list("techniques", "ATT&CK technique ids"),
				list("tactics", "ATT&CK tactic ids"),
				num("risk_score", "0 to 100"),
				str("url", "where to look at it"),
				conceptList,
			}},
		{Name: "posture", concepts: "concepts", Doc: "What is known of a device or account at one moment.",
			Fields: []Field{
				enum("status", "compliance with its policy", "compliant", "not-compliant", "unknown").must(),
				flag("managed", "whether it is managed"),
				flag("encrypted", "whether its storage is encrypted"),
				flag("jailbroken", "whether its protections are broken"),
				enum("sensor", "whether its sensor works", "healthy", "degraded", "offline", "unknown"),
				str("os_name", "operating system"),
				str("os_version", "version of the operating system"),
				list("failed_checks", "names of the checks that failed"),
				num("last_seen", "when it last reported, seconds since the epoch"),
				conceptList,
			}},
		{Name: "activity", concepts: "concepts", Doc: "Something a user, device or workload did.",
			Fields: []Field{
				str("action", "what was done: sign-in, mfa-challenge, role-assigned").must(),
				enum("outcome", "whether it worked", "success", "failure", "unknown"),
				str("source_ip", "address it came from"),
				str("country", "country of that address, two letters"),
				str("user_agent", "user agent"),
				str("application", "what it was done in"),
				str("target", "what it was done to"),
				list("amr", "authentication methods used"),
				conceptList,
			}},
		{Name: "timer", Doc: "A timer that a rule set has fired.",
			Fields: []Field{
				str("rule", "the rule that set it").must(),
				str("name", "its name within the rule").must(),
				num("due", "when it was to fire, seconds since the epoch").must(),
				flag("blind", "whether it fired though a source had not caught up"),
				of(Object, "data", rule, "what the rule gave it to keep"),
			}},
		{Name: "approval", Doc: "Somebody decided on an action that waited, or nobody did in time.",
			Fields: []Field{
				str("action_id", "the action").must(),
				enum("verdict", "the decision", "approved", "rejected", "expired").must(),
				str("by", "who decided"),
				str("comment", "what they said"),
			}},
		{Name: "operator-command", Doc: "An operator told the product to do something.",
			Fields: []Field{
				str("command", "what: stop-actions, resume-actions, revert, retry").must(),
				str("by", "who"),
				str("reason", "why"),
				of(Object, "arguments", rule, "on what"),
			}},
		{Name: "feed-health", Doc: "A source of signals is to be trusted more or less than before.",
			Fields: []Field{
				str("source", "name of the source").must(),
				enum("status", "its health", "healthy", "degraded", "blind").must(),
				str("reason", "why"),
				num("since", "since when, seconds since the epoch"),
				num("last_seen", "when it last spoke, seconds since the epoch"),
				num("last_verified", "when a verification event last came back, seconds since the epoch"),
				num("keys_fetched", "when the key set of its issuer was last fetched, seconds since the epoch"),
				num("waiting", "signals fetched and not acknowledged"),
				num("clock_offset", "how far its clock is ahead of ours, in seconds"),
			}},
		{Name: "device-lost", Doc: "A device was reported lost, stolen or found.",
			Fields: []Field{
				enum("state", "what became of it", "lost", "stolen", "found").must(),
				num("lost_at", "when it was lost, seconds since the epoch"),
				str("reported_by", "who reported it"),
				str("reason", "the circumstances"),
			}},
		{Name: "identity-proofed", Doc: "Somebody proved who they are.",
			Fields: []Field{
				enum("outcome", "whether the proof held", "success", "failure").must(),
				str("method", "how: document, in-person, video"),
				str("level", "assurance reached, as in NIST-IAL"),
				str("reference", "where the evidence is kept"),
				str("by", "who checked it"),
			}},
		{Name: "employment-change", Doc: "Somebody joined, moved within or left the organization.",
			Fields: []Field{
				enum("change", "what changed; terminated takes effect at once", "hired", "moved", "leaving", "terminated", "returned").must(),
				num("effective", "from when on, seconds since the epoch"),
				str("department", "department from then on"),
				str("role", "role from then on"),
				str("manager", "manager from then on"),
				str("reference", "the personnel record"),
			}},
		{Name: "access-request", Doc: "Somebody asked for access.",
			Fields: []Field{
				str("request_id", "id of the request").must(),
				str("resource", "what to").must(),
				str("role", "as what"),
				str("requester", "who asked, if not the subject"),
				str("justification", "why"),
				num("until", "for how long, seconds since the epoch"),
				flag("privileged", "whether the access is privileged"),
			}},
		{Name: "access-grant", Doc: "Access was granted or taken away.",
			Fields: []Field{
				enum("state", "which", "granted", "withdrawn", "expired").must(),
				str("resource", "what to").must(),
				str("role", "as what"),
				str("request_id", "the request behind it"),
				list("approvers", "who approved"),
				num("until", "for how long, seconds since the epoch"),
				flag("privileged", "whether the access is privileged"),
			}},
		{Name: "checkout", Doc: "A secret was taken out of the vault or put back.",
			Fields: []Field{
				str("checkout_id", "id of the checkout").must(),
				enum("state", "which", "out", "returned", "expired").must(),
				str("secret", "name of the secret, never its value"),
				str("reason", "what for"),
				num("until", "for how long, seconds since the epoch"),
			}},
		{Name: "privileged-session", Doc: "A privileged session began, ended or stood out.",
			Fields: []Field{
				str("session_id", "id of the session").must(),
				enum("state", "which", "started", "anomalous", "paused", "ended").must(),
				str("target", "the system worked on"),
				str("account", "the account worked with"),
				str("recording", "where the recording is kept"),
				str("reason", "what stood out"),
			}},
		{Name: "breach-exposure", Doc: "Data of the subject was found in a breach.",
			Fields: []Field{
				str("breach", "name of the breach").must(),
				exposed,
				num("exposed_at", "when the data was taken, seconds since the epoch"),
				num("published_at", "when it became known, seconds since the epoch"),
				list("data_classes", "what was exposed"),
				str("url", "where it is described"),
			}},
	}
	for _, t := range types {
		t.URI, t.Family, t.Status = LocalBase+t.Name, "local", "local"
		t.Fields = append(t.Fields, eventTimestamp)
	}
	return types
}
