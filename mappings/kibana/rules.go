package kibana

import (
	"slices"

	"github.com/signalbox-dev/signalbox/pipeline/question"
)

// rule is a starter detection rule.
type rule struct {
	id       string // fixed for ever
	version  int    // raised with each change
	name     string
	why      string
	kind     string // query, eql, threshold or new_terms
	query    string
	severity string
	fields   []string // threshold: what is counted together; new_terms: what is new
	least    int      // threshold
	distinct string   // threshold: what must differ, instead of documents
	lookback string   // from; "" is nine minutes
	tactic   tactic
	context  bool // makes no alert of its own
	triage   string
	mistakes string
	show     []string // fields to look at first
}

type tactic struct{ id, name, technique, title string }

var (
	credentialAccess = tactic{"TA0006", "Credential Access", "T1528", "Steal Application Access Token"}
	initialAccess    = tactic{"TA0001", "Initial Access", "T1078", "Valid Accounts"}
	evasion          = tactic{"TA0005", "Defense Evasion", "T1562", "Impair Defenses"}
	impact           = tactic{"TA0040", "Impact", "T1531", "Account Access Removal"}
)

// score is the risk score of a severity.
var score = map[string]int{"low": 21, "medium": 47, "high": 73, "critical": 99}

// eql is the text of a question.
func eql(name string) string {
	q, _ := question.Lookup(name)
	return q.Example(q.EQL)
}

var rules = []rule{
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c01", version: 1, name: "Security Event Tokens with signatures that do not verify", kind: "threshold",
		why:   "Several tokens naming one issuer were refused for their key or signature: a peer has rotated keys in a wrong way, or somebody tries forged tokens.",
		query: `event.dataset : "ssf.set" and set.verdict : "rejected" and set.reject.code : ("authentication_failed" or "invalid_key")`, fields: []string{"set.iss"}, least: 5,
		severity: "medium", lookback: "now-15m", tactic: credentialAccess,
		triage:   "Ask `signalbox ask rejected-tokens`: one address with many reasons is a peer with a fault, many addresses with one reason a probe. Compare set.kid with the issuer's key set.",
		mistakes: "An issuer that publishes a new key after it signs with it.", show: []string{"set.iss", "set.kid", "source.ip", "set.reject.requirement"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c02", version: 1, name: "First signal of an issuer", kind: "new_terms",
		why:   "An issuer or product was accepted that had sent nothing in a month. Whoever may speak here can cause actions within its remit.",
		query: `event.dataset : ("ssf.set" or "ssf.alert") and set.verdict : "accepted"`, fields: []string{"event.provider"}, severity: "low", tactic: initialAccess, context: true,
		triage: "Find the change of configuration that let it in, in the audit documents.", mistakes: "A planned connection.", show: []string{"event.provider", "ssf.source", "set.kid"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c03", version: 2, name: "High risk without an action", kind: "eql", why: "A risk was stated as high, and no target took an action of the same chain in time.",
		query: eql("unanswered-risk"), severity: "high", lookback: "now-15m", tactic: initialAccess,
		triage:   "Show `signalbox chain` with chain.root: a rule that did not fire says what was in the way, a guard that held the action says which.",
		mistakes: "Issuers whose remit is indexing only; set.remit says so.", show: []string{"user.name", "set.current_level", "set.remit", "chain.root"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c04", version: 1, name: "Action given up or expired", kind: "query", why: "What a rule had decided was not done: the target refused it for good, or did not answer in time.",
		query: `event.dataset : "ssf.action" and action.status : ("dead" or "expired")`, severity: "high", tactic: evasion,
		triage: "Read action.why and action.info, mend the target, and let it go out again with `signalbox action retry`.", mistakes: "Actions that waited for a person and that nobody wanted.",
		show: []string{"user.name", "action.type", "action.target", "action.info", "action.why"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c05", version: 1, name: "Credential stated as compromised", kind: "query", why: "A source states that a credential is in wrong hands.",
		query: `event.action : ("credential-compromise" or "breach-exposure") and set.verdict : "accepted"`, severity: "medium", tactic: initialAccess, context: true,
		triage: "Ask `signalbox ask user-timeline --user` for what followed.", mistakes: "Old leaks that are sold again.", show: []string{"user.name", "event.provider", "set.credential_type", "set.reason_admin"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c06", version: 1, name: "One rule acts on many users", kind: "threshold", why: "A rule caused actions about many different users within minutes: an incident, or a rule or source gone wrong.",
		query: `event.dataset : "ssf.action" and action.status : ("queued" or "sent" or "acked")`, fields: []string{"rule.name"}, least: 25, distinct: "user.name",
		severity: "high", lookback: "now-15m", tactic: impact,
		triage: "`signalbox stop-actions` holds what has not left. Ask `signalbox ask rule-quality`, and look for what the causes have in common.", mistakes: "A real campaign.", show: []string{"rule.name", "action.type"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c07", version: 1, name: "Actions stopped by an operator", kind: "query", why: "Somebody holds everything that would leave: responses do not happen until it is resumed.",
		query: `event.dataset : "ssf.audit" and event.action : "stop-actions"`, severity: "high", tactic: evasion,
		triage: "Ask user.name of the document why. `signalbox stop-actions --resume` ends it.", mistakes: "Maintenance.", show: []string{"user.name", "event.reason", "audit.detail"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c08", version: 1, name: "Policies or configuration loaded anew", kind: "query", why: "What is decided from now on may be another thing.",
		query: `event.dataset : "ssf.audit" and event.action : ("reload" or "restore")`, severity: "low", tactic: evasion, context: true,
		triage: "Compare policy.revision of decisions before and after.", mistakes: "Planned changes; add an exception for their window.", show: []string{"user.name", "audit.detail", "error.message"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c09", version: 1, name: "Evidence or keys left the product", kind: "query", why: "Somebody made a backup, which holds signing keys, or exported what is known of people.",
		query: `event.dataset : "ssf.audit" and event.action : ("backup" or "export")`, severity: "medium", tactic: credentialAccess,
		triage: "audit.detail says what and where to.", mistakes: "The nightly backup; add an exception for its user.", show: []string{"user.name", "audit.detail", "event.reason"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c10", version: 1, name: "Many verdicts of false positive on one rule", kind: "threshold", why: "Analysts find a rule wrong again and again.",
		query: `event.dataset : "ssf.audit" and event.action : "verdict" and audit.verdict : "false"`, fields: []string{"rule.name"}, least: 5, severity: "low", lookback: "now-24h", tactic: impact, context: true,
		triage: "Make tests of the decisions with `signalbox test new`, and mend the rule or set it to shadow.", mistakes: "One analyst judging a whole batch.", show: []string{"rule.name", "user.name", "event.reason"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c11", version: 1, name: "Signals go round in a loop", kind: "query", why: "A transaction kept asking for the same action until the loop guard ended it: a receiver sends back what we sent.",
		query: `event.dataset : "ssf.action" and action.guard : "loop"`, severity: "medium", tactic: impact,
		triage: "Follow set.txn through the documents to the peer that answers.", mistakes: "None known.", show: []string{"set.txn", "action.type", "action.target", "user.name"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c12", version: 1, name: "Session on top of a device that does not comply", kind: "eql", why: "A user opened a session within hours of a device of theirs no longer complying.",
		query: eql("noncompliant-sessions"), severity: "medium", lookback: "now-9h", tactic: initialAccess,
		triage: "Find out whether the session is on that device; end it with an action if so.", mistakes: "Users with several devices.", show: []string{"user.name", "host.name", "session.id"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c13", version: 1, name: "Device alert, then high risk of its user", kind: "eql", why: "An endpoint product raised a severe alert, and within minutes the identity provider stated a high risk of its user.",
		query: eql("user-and-device-risk"), severity: "critical", lookback: "now-30m", tactic: credentialAccess,
		triage: "Ask `signalbox ask user-timeline --user`. Sessions should be over by the rules; if not, see High risk without an action.", mistakes: "Tests of the endpoint product.", show: []string{"user.name", "host.name", "alert.id"},
	},
	{
		id: "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c14", version: 1, name: "Token id used again with other content", kind: "query", why: "A token id that was taken came again with other bytes: a fault of the issuer, or a replay with changes.",
		query: `set.verdict : "reused"`, severity: "medium", tactic: credentialAccess,
		triage: "Compare event.hash of both, and ask the issuer.", mistakes: "Issuers that count their ids from one after a restart.", show: []string{"set.iss", "set.jti", "event.hash", "source.ip"},
	},
}

// object is the rule as the detection engine imports it. Rules are imported
// switched off.
func (r rule) object() map[string]any {
	from := r.lookback
	if from == "" {
		from = "now-9m"
	}
	o := map[string]any{
		"rule_id": r.id, "version": r.version, "name": r.name, "description": r.why, "type": r.kind, "enabled": false, "immutable": false,
		"author": []string{"signalbox"}, "license": "Apache-2.0", "index": []string{views[0].title}, "query": r.query, "language": "kuery",
		"severity": r.severity, "risk_score": score[r.severity], "severity_mapping": []any{}, "risk_score_mapping": []any{},
		"from": from, "to": "now", "interval": "5m", "max_signals": 100,
		// When the product first saw it, so that late signals are not missed.
		"timestamp_override": "event.created", "references": []string{}, "exceptions_list": []any{}, "actions": []any{}, "related_integrations": []any{},
		"tags":                 []string{"Data Source: Shared Signals", "Domain: Identity", "Tactic: " + r.tactic.name, "Use Case: Identity and Access Audit"},
		"false_positives":      []string{r.mistakes},
		"note":                 "## Triage and analysis\n\n### Possible investigation steps\n\n" + r.triage + "\n\n### False positive analysis\n\n" + r.mistakes + "\n",
		"setup":                "Needs the data streams of signalbox, logs-ssf.*.",
		"investigation_fields": map[string]any{"field_names": r.show},
		"threat": []any{map[string]any{
			"framework": "MITRE ATT&CK",
			"tactic":    map[string]any{"id": r.tactic.id, "name": r.tactic.name, "reference": "https://attack.mitre.org/tactics/" + r.tactic.id + "/"},
			"technique": []any{map[string]any{"id": r.tactic.technique, "name": r.tactic.title, "reference": "https://attack.mitre.org/techniques/" + r.tactic.technique + "/", "subtechnique": []any{}}},
		}},
	}
	if r.context {
		o["building_block_type"] = "default"
	}
	switch r.kind {
	case "eql":
		o["language"] = "eql"
		o["tiebreaker_field"] = "event.sequence"
	case "threshold":
		t := map[string]any{"field": r.fields, "value": r.least}
		if r.distinct != "" {
			t["value"], t["cardinality"] = 1, []any{map[string]any{"field": r.distinct, "value": r.least}}
		}
		o["threshold"] = t
	case "new_terms":
		o["new_terms_fields"], o["history_window_start"] = slices.Clone(r.fields), "now-30d"
	}
	return o
}
