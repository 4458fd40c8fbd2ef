package kibana

// figure is a number a panel shows.
type figure struct {
	label string
	op    string // count, unique, or p50, p95
	field string
	where string // KQL
}

// panel is one drawing of a dashboard.
type panel struct {
	id, title string
	view      string // id of its data view
	kql       string
	over      bool     // over time, in stacked bars
	by        []string // split by
	figures   []figure // none: count
	width     int      // of 48
	height    int
}

// dashboard is a page of panels.
type dashboard struct {
	id, title, about string
	view             string
	controls         []string // fields to choose by
	panels           []panel
}

const (
	signalsView   = "signalbox-signals"
	decisionsView = "signalbox-decisions"
	actionsView   = "signalbox-actions"
	allView       = "signalbox-all"
)

var dashboards = []dashboard{
	{"signalbox-signals", "[signalbox] Signals", "What came in: how much, from whom, how severe, about whom.", signalsView, []string{"user.name", "event.provider", "event.action"}, []panel{
		{id: "signals-severe", title: "Severe signals", view: signalsView, kql: `event.severity >= 73 and set.verdict : "accepted"`, width: 12, height: 8},
		{id: "signals-users", title: "Users with severe signals", view: signalsView, kql: `event.severity >= 73 and set.verdict : "accepted"`, figures: []figure{{"Users", "unique", "user.name", ""}}, width: 12, height: 8},
		{id: "signals-refused", title: "Refused", view: allView, kql: `set.verdict : "rejected"`, width: 12, height: 8},
		{id: "signals-unknown", title: "Unknown events", view: signalsView, kql: `set.event_name : "unknown"`, width: 12, height: 8},
		{id: "signals-over-time", title: "Signals by source", view: signalsView, over: true, by: []string{"event.provider"}, width: 48, height: 14},
		{id: "signals-by-event", title: "By event", view: signalsView, kql: `set.verdict : "accepted"`, by: []string{"event.action"}, figures: []figure{{"Signals", "unique", "event.id", ""}, {"Users", "unique", "user.name", ""}}, width: 24, height: 16},
		{id: "signals-top-users", title: "Users with severe signals, by number", view: signalsView, kql: `event.severity >= 73`, by: []string{"user.name"}, figures: []figure{{"Signals", "unique", "event.id", ""}, {"Sources", "unique", "event.provider", ""}}, width: 24, height: 16},
	}},
	{"signalbox-decisions", "[signalbox] Decisions", "What the rules said: results over time, rules that fire, failures, the shadow.", decisionsView, []string{"user.name", "rule.name", "policy.mode"}, []panel{
		{id: "decisions-acts", title: "Decisions to act", view: decisionsView, kql: `policy.result : "act"`, width: 16, height: 8},
		{id: "decisions-approval", title: "For a person", view: decisionsView, kql: `policy.result : "needs_approval"`, width: 16, height: 8},
		{id: "decisions-errors", title: "Failures of rules", view: decisionsView, kql: `policy.errors : *`, width: 16, height: 8},
		{id: "decisions-over-time", title: "Decisions by result", view: decisionsView, over: true, by: []string{"policy.result"}, width: 48, height: 14},
		{id: "decisions-by-rule", title: "Rules that fired, and what was said of them", view: allView, kql: `event.dataset : "ssf.decision" or event.action : "verdict"`, by: []string{"rule.name"},
			figures: []figure{{"Fired", "unique", "policy.decision_id", `event.dataset : "ssf.decision"`}, {"Judged", "unique", "audit.judged", ""}, {"False", "unique", "audit.judged", `audit.verdict : "false"`}}, width: 24, height: 16},
		{id: "decisions-shadow", title: "Shadow beside live", view: decisionsView, by: []string{"policy.mode", "policy.revision", "policy.result"}, figures: []figure{{"Causes", "unique", "chain.root", ""}, {"Users", "unique", "user.name", ""}}, width: 24, height: 16},
	}},
	{"signalbox-actions", "[signalbox] Actions", "What was done: states, waiting for a person, given up, how fast.", actionsView, []string{"user.name", "action.type", "action.target"}, []panel{
		{id: "actions-taken", title: "Taken", view: actionsView, kql: `action.status : ("acked" or "done")`, figures: []figure{{"Actions", "unique", "action.id", ""}}, width: 12, height: 8},
		{id: "actions-held", title: "Held or for approval", view: actionsView, kql: `action.status : ("held" or "pending_approval")`, figures: []figure{{"Actions", "unique", "action.id", ""}}, width: 12, height: 8},
		{id: "actions-dead", title: "Given up or expired", view: actionsView, kql: `action.status : ("dead" or "expired")`, figures: []figure{{"Actions", "unique", "action.id", ""}}, width: 12, height: 8},
		{id: "actions-speed", title: "Milliseconds to the answer, p95", view: actionsView, kql: `action.status : ("acked" or "done")`, figures: []figure{{"p95", "p95", "ssf.latency_ms", ""}}, width: 12, height: 8},
		{id: "actions-over-time", title: "States reached", view: actionsView, over: true, by: []string{"action.status"}, width: 48, height: 14},
		{id: "actions-by-target", title: "By target", view: actionsView, kql: `action.target : *`, by: []string{"action.target"},
			figures: []figure{{"Taken", "unique", "action.id", `action.status : ("acked" or "done")`}, {"Given up", "unique", "action.id", `action.status : ("dead" or "expired")`}, {"p50 ms", "p50", "ssf.latency_ms", `action.status : ("acked" or "done")`}, {"p95 ms", "p95", "ssf.latency_ms", `action.status : ("acked" or "done")`}}, width: 24, height: 16},
		{id: "actions-stopped", title: "Asked for and not done, by guard", view: actionsView, kql: `action.guard : *`, by: []string{"action.guard", "rule.name"}, figures: []figure{{"Actions", "unique", "action.id", ""}, {"Users", "unique", "user.name", ""}}, width: 24, height: 16},
	}},
	{"signalbox-health", "[signalbox] Stream health", "Whether everything flows: sources, refusals, dead letters, what operators did.", allView, []string{"ssf.source", "event.provider"}, []panel{
		{id: "health-sources", title: "Messages by source", view: allView, kql: `ssf.source : *`, over: true, by: []string{"ssf.source"}, width: 48, height: 14},
		{id: "health-refused", title: "Refused, by reason", view: allView, kql: `set.verdict : "rejected"`, by: []string{"set.reject.code", "set.iss"}, figures: []figure{{"Messages", "count", "", ""}, {"Addresses", "unique", "source.ip", ""}}, width: 24, height: 16},
		{id: "health-unread", title: "What could not be read", view: allView, kql: `event.dataset : "ssf.error"`, by: []string{"ssf.source", "error.code"}, width: 24, height: 16},
		{id: "health-operators", title: "What people and the system did", view: allView, kql: `event.dataset : "ssf.audit"`, by: []string{"event.action", "user.name"}, width: 24, height: 16},
		{id: "health-nodes", title: "Documents by process", view: allView, over: true, by: []string{"service.node.name"}, width: 24, height: 16},
	}},
}
