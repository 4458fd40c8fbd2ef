package question

import "time"

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// Parameters that several questions have.
var (
	severity = Param{"severity", Number, "least event.severity: 47 is medium, 73 high, 99 critical", "73", ""}
	every    = Param{"every", Interval, "cut the answer into intervals of time", "", "1h"}
)

// about are the columns of a document in a sequence.
func about(what string, more ...Shown) []Shown {
	return append([]Shown{{what, "message"}}, more...)
}

var table = []Question{
	{
		Name: "user-timeline", Ask: "What happened to this user in the last 24 hours, in order?",
		Doc:    "Signals, alerts, decisions, actions and what people did about them, by any identifier of the user: name, e-mail address, id at the provider.",
		Params: []Param{{"user", Text, "any identifier of the user", "", "jane@example.com"}},
		Since:  day, Timeline: "user",
		ESQL: `FROM logs-ssf.*-*
| WHERE @timestamp > NOW() - 24 hours AND related.user : "{user}"
| KEEP @timestamp, event.dataset, event.action, event.severity, message, policy.result, action.status, chain.root, event.sequence
| SORT @timestamp, event.sequence
| LIMIT 500`,
		KQL: `related.user : "{user}"`,
	},
	{
		Name: "session-timeline", Ask: "What happened to this session?",
		Doc:    "As the timeline of a user, for one session, by any identifier of it. What ended all sessions of its user, or all on its device, is there too: all sessions revoked, the account disabled or deleted, by others or by an action of ours that was taken. Searches in Kibana find only what names the session.",
		Params: []Param{{"session", Text, "any identifier of the session", "", "s-100"}},
		Since:  day, Timeline: "session", Endings: true,
		ESQL: `FROM logs-ssf.*-*
| WHERE @timestamp > NOW() - 24 hours AND (session.id == "{session}" OR session.keys : "{session}")
| KEEP @timestamp, event.dataset, event.action, message, policy.result, action.status, chain.root, event.sequence
| SORT @timestamp, event.sequence
| LIMIT 500`,
		KQL: `session.id : "{session}" or session.keys : "{session}"`,
	},
	{
		Name: "why", Ask: "Why was this done?",
		Doc: "Everything that came of one cause, nested: the message, the signal, what each rule said of it and why, the actions, and what their receivers answered. " +
			"Any id in the chain will do: of the token received or sent, the transaction, the event, the decision or the action. signalbox explain shows one decision to the last expression.",
		Params: []Param{{"id", Text, "id of a token, transaction, input, event, decision or action", "", "a-00000000000000000000000080"}},
		Chain:  "id",
		ESQL: `FROM logs-ssf.decision-*, logs-ssf.action-*
| WHERE action.id == "{id}" OR policy.decision_id == "{id}" OR chain.root == "{id}"
| KEEP @timestamp, message, rule.name, rule.version, policy.reasons, action.status, chain.root, chain.parent
| SORT @timestamp`,
		KQL: `chain.root : "{id}" or chain.parent : "{id}" or event.id : "{id}" or policy.decision_id : "{id}" or action.id : "{id}" or set.jti : "{id}"`,
	},
	{
		Name: "unfinished-actions", Ask: "Which actions failed, or were never acknowledged?",
		Doc: "One row for each action, target and stream: given up or expired, or without an answer for longer than --after. " +
			"What waits for a person is a question of its own, waiting-actions.",
		Params: []Param{{"after", Duration, "how long without an answer is too long", "10m", ""}},
		Since:  day,
		Count: &Count{
			Query: "event.dataset:ssf.action action.target:*",
			By:    []string{"action.id", "action.type", "action.target", "action.stream", "action.subject"},
			Figures: []Figure{
				{Name: "rank", Metric: "max:action.status_rank"},
				{Name: "status", Status: "rank"},
				{Name: "tries", Metric: "max:action.attempt"},
				{Name: "last", Metric: "max:@timestamp"},
				{Name: "ago", Since: "last"},
				{Name: "taken", Metric: "count WHERE action.status:acked OR action.status:done OR action.status:reverted"},
				{Name: "set aside", Metric: "count WHERE action.status:rejected OR action.status:merged OR action.status:superseded OR action.status:suppressed"},
				{Name: "given up", Metric: "count WHERE action.status:dead OR action.status:expired"},
			},
			Keep: [][]Condition{
				{{"taken", "=", "0"}, {"given up", ">", "0"}},
				{{"taken", "=", "0"}, {"set aside", "=", "0"}, {"ago", ">", "{after}"}},
			},
			Order: []string{"last"},
			Hide:  []string{"rank", "taken", "set aside", "given up"},
		},
		ESQL: `FROM logs-ssf.action-*
| WHERE @timestamp > NOW() - 24 hours AND action.target IS NOT NULL
| STATS rank = MAX(action.status_rank), taken = COUNT(*) WHERE action.status IN ("acked", "done", "reverted"),
    aside = COUNT(*) WHERE action.status IN ("rejected", "merged", "superseded", "suppressed"),
    dead = COUNT(*) WHERE action.status IN ("dead", "expired"), last = MAX(@timestamp)
  BY action.id, action.type, action.target, action.stream
| WHERE taken == 0 AND (dead > 0 OR (aside == 0 AND last < NOW() - 10 minutes))
| SORT last`,
		KQL: `event.dataset : "ssf.action" and action.status : ("failed" or "dead" or "expired")`,
	},
	{
		Name: "response-time", Ask: "How long does it take from a signal to the action?",
		Doc:    "Milliseconds from the receipt of the cause to the answer of the target; what waited for a person is among them. --every 1h shows how it went over time.",
		Params: []Param{every},
		Since:  day,
		Count: &Count{
			Query: "event.dataset:ssf.action (action.status:acked OR action.status:done) NOT tags:test",
			By:    []string{"action.target"},
			Every: "every",
			Figures: []Figure{
				{Name: "actions", Metric: "distinct:action.id"},
				{Name: "p50 ms", Metric: "p50:ssf.latency_ms"},
				{Name: "p95 ms", Metric: "p95:ssf.latency_ms"},
				{Name: "max ms", Metric: "max:ssf.latency_ms"},
			},
			Order: []string{"-p95 ms"},
		},
		ESQL: `FROM logs-ssf.action-*
| WHERE @timestamp > NOW() - 24 hours AND action.status IN ("acked", "done")
| STATS actions = COUNT_DISTINCT(action.id), p50 = PERCENTILE(ssf.latency_ms, 50), p95 = PERCENTILE(ssf.latency_ms, 95)
  BY action.target, hour = BUCKET(@timestamp, 1 hour)
| SORT hour, action.target`,
		KQL: `event.dataset : "ssf.action" and action.status : ("acked" or "done")`,
	},
	{
		Name: "waiting-actions", Ask: "Which actions wait for a person, and how long yet?",
		Doc:   "Held or waiting for approval, by their newest state; the first to expire comes first. signalbox action approve and reject decide on them.",
		Since: 0,
		Count: &Count{
			Query: "event.dataset:ssf.action action.status:*",
			By:    []string{"action.id", "action.type", "action.subject", "rule.name"},
			Figures: []Figure{
				{Name: "rank", Metric: "max:action.status_rank"},
				{Name: "asked", Metric: "count WHERE action.status:held OR action.status:pending_approval"},
				{Name: "status", Status: "rank"},
				{Name: "since", Metric: "min:@timestamp"},
				{Name: "waits", Since: "since"},
				{Name: "expires", Metric: "max:action.expires"},
			},
			Keep:  [][]Condition{{{"asked", ">", "0"}, {"rank", "<", "30"}}},
			Order: []string{"expires", "since"},
			Hide:  []string{"rank", "asked", "since"},
		},
		ESQL: `FROM logs-ssf.action-*
| STATS rank = MAX(action.status_rank), since = MIN(@timestamp), expires = MAX(action.expires) BY action.id, action.type, action.subject, rule.name
| WHERE rank >= 10 AND rank < 30
| SORT expires`,
		KQL: `event.dataset : "ssf.action" and action.status : ("held" or "pending_approval")`,
	},
	{
		Name: "top-users", Ask: "Which users have the most severe signals this week?",
		Doc:    "Users with signals or alerts of at least --severity, those first of whom most sources speak.",
		Params: []Param{severity},
		Since:  week,
		Count: &Count{
			Query: "(event.dataset:ssf.set OR event.dataset:ssf.alert) event.severity:>={severity} user.name:* NOT tags:test",
			By:    []string{"user.name"},
			Figures: []Figure{
				{Name: "sources", Metric: "distinct:event.provider"},
				{Name: "signals", Metric: "distinct:event.id"},
				{Name: "worst", Metric: "max:event.severity"},
				{Name: "last", Metric: "max:@timestamp"},
			},
			Order: []string{"-sources", "-signals", "-last"},
		},
		ESQL: `FROM logs-ssf.set-*, logs-ssf.alert-*
| WHERE event.severity >= {severity} AND @timestamp > NOW() - 7 days AND user.name IS NOT NULL
| STATS sources = COUNT_DISTINCT(event.provider), signals = COUNT_DISTINCT(event.id), last = MAX(@timestamp) BY user.name
| SORT sources DESC, signals DESC
| LIMIT 20`,
		KQL: `event.dataset : ("ssf.set" or "ssf.alert") and event.severity >= {severity}`,
	},
	{
		Name: "user-and-device-risk", Ask: "For which users did identity and device come under risk within 15 minutes?",
		Doc: "An alert of at least --severity on a device, or a device whose risk is high, and the risk of the user being high, in either order, within --within.",
		Params: []Param{severity,
			{"within", Duration, "longest time between the two", "15m", ""}},
		Since: week,
		Sequence: &Sequence{
			By: "user.name", Within: "within", Either: true,
			First: Step{
				Query: "NOT tags:test (event.dataset:ssf.alert alert.name:alert event.severity:>={severity} host.id:* OR change.entity:device.risk change.to:high OR event.action:device-risk-change set.current_level:high OR event.action:risk-level-change set.principal:device set.current_level:high)",
				Show:  about("device", Shown{"host", "host.name"}),
			},
			Then: Step{
				Query: "NOT tags:test (change.entity:user.risk change.to:high OR event.action:user-risk-change set.current_level:high OR event.action:risk-level-change set.principal:user set.current_level:high)",
				Show:  about("user"),
			},
		},
		EQL: `sequence by user.name with maxspan={within}
  [any where event.dataset == "ssf.alert" and event.severity >= {severity} and host.id != null]
  [any where change.entity == "user.risk" and change.to == "high"]`,
		KQL: `(event.dataset : "ssf.alert" and event.severity >= {severity} and host.id : *) or (change.entity : ("user.risk" or "device.risk") and change.to : "high")`,
	},
	{
		Name: "unanswered-risk", Ask: "Where was a risk high and nothing done?",
		Doc: "Accepted signals that a risk is high, without an action of the same chain that its target took within --within. " +
			"Those younger than that are left out.",
		Params: []Param{{"within", Duration, "how soon an action should have been taken", "5m", ""}},
		Since:  day,
		Sequence: &Sequence{
			By: "chain.root", Within: "within", Missing: true,
			First: Step{
				Query: "(event.dataset:ssf.set OR event.dataset:ssf.alert) set.verdict:accepted (set.current_level:high OR change.to:high) NOT tags:test",
				Show:  []Shown{{"user", "user.name"}, {"signal", "message"}, {"remit", "set.remit"}},
			},
			Then: Step{Query: "event.dataset:ssf.action (action.status:acked OR action.status:done)"},
		},
		EQL: `sequence by chain.root with maxspan={within}
  [any where event.dataset in ("ssf.set", "ssf.alert") and set.verdict == "accepted" and (set.current_level == "high" or change.to == "high")]
  ![any where event.dataset == "ssf.action" and action.status in ("acked", "done")]`,
		KQL: `event.dataset : ("ssf.set" or "ssf.alert") and set.verdict : "accepted" and (set.current_level : "high" or change.to : "high")`,
	},
	{
		Name: "rejected-tokens", Ask: "Which tokens were refused, of whom, why, and is somebody probing?",
		Doc: "Refused messages by reason and by the issuer they name, which is unverified. Many addresses with one reason are a probe, " +
			"one address with many is a peer with a fault. Of strangers only a sample is indexed.",
		Params: []Param{every},
		Since:  day,
		Count: &Count{
			Query: "set.verdict:rejected",
			By:    []string{"set.reject.code", "set.iss", "ssf.source"},
			Every: "every",
			Figures: []Figure{
				{Name: "messages", Metric: "count"},
				{Name: "different", Metric: "distinct:event.hash"},
				{Name: "addresses", Metric: "distinct:source.ip"},
				{Name: "last", Metric: "max:@timestamp"},
			},
			Order: []string{"-messages"},
		},
		ESQL: `FROM logs-ssf.set-*, logs-ssf.error-*
| WHERE @timestamp > NOW() - 24 hours AND set.verdict == "rejected"
| STATS n = COUNT(*), ips = COUNT_DISTINCT(source.ip) BY set.reject.code, set.iss, hour = BUCKET(@timestamp, 1 hour)
| SORT n DESC`,
		KQL: `set.verdict : "rejected"`,
	},
	{
		Name: "rule-quality", Ask: "Which rule fires most, and how often was it called a false positive?",
		Doc: "Decisions each rule fired in, those that led to an action, and what verdicts said of them. " +
			"Every verdict counts here; signalbox rules stats counts the last one of each decision.",
		Since: 30 * day,
		Count: &Count{
			Query: "(event.dataset:ssf.decision OR event.action:verdict) rule.name:* NOT tags:test",
			By:    []string{"rule.name"},
			Figures: []Figure{
				{Name: "fired", Metric: "distinct:policy.decision_id WHERE event.dataset:ssf.decision"},
				{Name: "acted", Metric: "distinct:policy.decision_id WHERE policy.result:act OR policy.result:needs_approval"},
				{Name: "users", Metric: "distinct:user.name WHERE event.dataset:ssf.decision"},
				{Name: "judged", Metric: "distinct:audit.judged"},
				{Name: "false", Metric: "distinct:audit.judged WHERE audit.verdict:false"},
				{Name: "false share", Part: "false", Whole: "judged"},
			},
			Order: []string{"-fired", "-false share"},
		},
		ESQL: `FROM logs-ssf.decision-*, logs-ssf.audit-*
| WHERE @timestamp > NOW() - 30 days AND rule.name IS NOT NULL
| STATS fired = COUNT(*) WHERE event.dataset == "ssf.decision", judged = COUNT_DISTINCT(audit.judged),
    wrong = COUNT(*) WHERE audit.verdict == "false" BY rule.name
| EVAL false_share = wrong * 1.0 / judged
| SORT fired DESC`,
		KQL: `event.dataset : "ssf.decision" and rule.name : *`,
	},
	{
		Name: "stopped-actions", Ask: "What was asked for and not done: by which guard, and how often?",
		Doc: "Actions that a guard suppressed, held or merged: shadow mode, protected subjects, remit, limits, loops, the stop switch. " +
			"There are no suppressions by owner and time; what is held now and until when is answered by waiting-actions.",
		Since: week,
		Count: &Count{
			Query: "event.dataset:ssf.action (action.status:suppressed OR action.status:held OR action.status:pending_approval OR action.status:merged) NOT tags:test",
			By:    []string{"action.guard", "action.status", "rule.name", "action.type"},
			Figures: []Figure{
				{Name: "actions", Metric: "distinct:action.id"},
				{Name: "users", Metric: "distinct:user.name"},
				{Name: "first", Metric: "min:@timestamp"},
				{Name: "last", Metric: "max:@timestamp"},
			},
			Order: []string{"-actions"},
		},
		ESQL: `FROM logs-ssf.action-*
| WHERE @timestamp > NOW() - 7 days AND action.status IN ("suppressed", "held", "pending_approval", "merged")
| STATS actions = COUNT_DISTINCT(action.id), users = COUNT_DISTINCT(user.name), last = MAX(@timestamp)
  BY action.guard, action.status, rule.name, action.type
| SORT actions DESC`,
		KQL: `event.dataset : "ssf.action" and action.status : ("suppressed" or "held" or "pending_approval" or "merged")`,
	},
	{
		Name: "quiet-sources", Ask: "Which source has gone quiet?",
		Doc:    "Issuers and products that sent something in the time looked at, but nothing for --for. The drill of operators is not counted.",
		Params: []Param{{"for", Duration, "how long without a signal is quiet", "2h", ""}},
		Since:  week,
		Count: &Count{
			Query: "(event.dataset:ssf.set OR event.dataset:ssf.alert) set.verdict:accepted NOT tags:test",
			By:    []string{"ssf.source", "event.provider"},
			Figures: []Figure{
				{Name: "signals", Metric: "distinct:event.id"},
				{Name: "last", Metric: "max:ssf.received"},
				{Name: "silent", Since: "last"},
			},
			Keep:  [][]Condition{{{"silent", ">", "{for}"}}},
			Order: []string{"-silent"},
		},
		ESQL: `FROM logs-ssf.set-*, logs-ssf.alert-*
| WHERE @timestamp > NOW() - 7 days AND set.verdict == "accepted"
| STATS last = MAX(ssf.received), signals = COUNT_DISTINCT(event.id) BY ssf.source, event.provider
| EVAL silent_minutes = DATE_DIFF("minutes", last, NOW())
| WHERE silent_minutes > 120
| SORT silent_minutes DESC`,
		KQL: `event.dataset : ("ssf.set" or "ssf.alert") and set.verdict : "accepted"`,
	},
	{
		Name: "noncompliant-sessions", Ask: "Who opened a session after a device of theirs stopped complying?",
		Doc:    "A device of the user became not compliant, and within --within the user opened a session, on whichever device.",
		Params: []Param{{"within", Duration, "longest time between the two", "8h", ""}},
		Since:  week,
		Sequence: &Sequence{
			By: "user.name", Within: "within",
			First: Step{
				Query: "NOT tags:test (event.action:device-compliance-change set.current_status:not-compliant OR change.entity:device.compliance change.to:not-compliant)",
				Show:  about("device", Shown{"host", "host.name"}),
			},
			Then: Step{Query: "event.category:session event.type:start NOT tags:test", Show: about("session", Shown{"session.id", "session.id"})},
		},
		EQL: `sequence by user.name with maxspan={within}
  [any where change.entity == "device.compliance" and change.to == "not-compliant"]
  [any where event.category == "session" and event.type == "start"]`,
		KQL: `(change.entity : "device.compliance" and change.to : "not-compliant") or (event.category : "session" and event.type : "start")`,
	},
	{
		Name: "shadow", Ask: "What would the rules in the shadow have done?",
		Doc: "Decisions by mode, policy set and result: shadow beside enforce. Those that asked for nothing have no mode. " +
			"stopped-actions shows what rules in the shadow asked for.",
		Since: week,
		Count: &Count{
			Query: "event.dataset:ssf.decision NOT tags:test",
			By:    []string{"policy.revision", "policy.mode", "policy.result"},
			Figures: []Figure{
				{Name: "decisions", Metric: "distinct:policy.decision_id"},
				{Name: "causes", Metric: "distinct:chain.root"},
				{Name: "users", Metric: "distinct:user.name"},
				{Name: "last", Metric: "max:@timestamp"},
			},
			Order: []string{"policy.revision", "policy.mode", "-decisions"},
		},
		ESQL: `FROM logs-ssf.decision-*
| WHERE @timestamp > NOW() - 7 days
| STATS causes = COUNT_DISTINCT(chain.root), users = COUNT_DISTINCT(user.name) BY policy.mode, policy.revision, policy.result
| SORT policy.revision`,
		KQL: `event.dataset : "ssf.decision" and policy.mode : ("shadow" or "enforce" or "approve")`,
	},
}
