package pipelinetest

import "strings"

// searched is one seeded document: members of the whole JSON text beside
// @timestamp, event.created and event.sequence, which come from at and n.
type searched struct {
	id   string
	at   string // @timestamp
	made string // event.created, when it is another
	kind string
	json string
}

// seeded are the documents of the suite, in the order of delivery.
var seeded = []searched{
	{id: "risk", at: "2026-02-03T10:15:04.120Z", kind: "ssf.set", json: `"event":{"action":"risk-level-change","severity":73,"category":["iam"],"type":["info","change"]},
		"message":"idp.example.com: user risk LOW→HIGH for jane@example.com (impossible travel)",
		"user":{"email":"jane@example.com","name":"jane@example.com"},"related":{"user":["jane@example.com","u-1"],"ip":["192.0.2.7","2001:db8::7"]},
		"source":{"ip":"192.0.2.7"},
		"set":{"iss":"https://idp.example.com","verified":true,"iat":"2026-02-03T10:15:05.000Z","claims":{"current_level":"HIGH","score":73.5,"seen":true,"reason_admin":{"en":"Impossible travel"},"a.b":{"c":"dotted"},"list":["x",["y"]],"none":null}},
		"tags":["late"]`},
	{id: "revoked", at: "2026-02-03T10:15:04.120Z", kind: "ssf.action", json: `"event":{"action":"session-revoked","severity":47},
		"message":"revoke-session for Jane Doe acked by downstream: 202","user":{"email":"Jane@Example.COM","name":"Jane Doe"},"action":{"final":true,"attempt":2}`},
	{id: "rejected", at: "2026-02-03T09:00:00.000Z", kind: "ssf.set", json: `"event":{"action":"set-rejected","severity":21,"reason":""},"message":"token rejected","set":{"verified":false,"claims":{}},
		"source":{"ip":"10.1.2.3"},"related":{"ip":["10.1.2.3"],"user":[]},"user":{"name":null}`},
	{id: "star", at: "2026-02-02T23:59:59.999Z", made: "2026-02-03T00:00:00.500Z", kind: "ssf.decision", json: `"event":{"action":"policy-decision","severity":10},"message":"über straße: nothing",
		"user":{"name":"a*b?c\\d"},"policy":{"rules":["one","two"],"facts":{"risk.level":"high","n":3}}`},
	{id: "quoted", at: "2026-02-03T11:30:00.000Z", kind: "ssf.audit", json: `"event":{"action":"stop-actions"},"message":"stop-actions by \"root\": too many","user":{"name":"root"}`},
	{id: "early", at: "1999-12-31T00:00:00.000Z", made: "2026-02-03T08:00:00.000Z", kind: "ssf.set", json: `"event":{"action":"account-disabled","severity":99},"message":"old news","user":{"email":"joe@example.org"}`},
}

// meanings is the table of package query as queries and what they find.
var meanings = []struct {
	query string
	want  string // ids, sorted, with spaces between
}{
	{"*", "early quoted rejected revoked risk star"},
	{"", "early quoted rejected revoked risk star"},

	// Keywords: whole value, either case of ASCII letters.
	{"event.action:session-revoked", "revoked"},
	{"event.action:SESSION-Revoked", "revoked"},
	{"event.action:session", ""},
	{"user.email:jane@example.com", "revoked risk"},
	{`user.name:"jane doe"`, "revoked"},
	{`user.name:"jane"`, ""},

	// Patterns cover the whole value; quotes and backslashes make them plain.
	{"event.action:session-revoked AND user.email:*@example.com", "revoked"},
	{"user.email:*@EXAMPLE.com", "revoked risk"},
	{"user.email:j?e@example.org", "early"},
	{"user.email:j??e@example.org", ""},
	{"user.email:*example*", "early revoked risk"},
	{"user.email:example*", ""},
	{`user.name:"a*b?c\\d"`, "star"},
	{`user.name:a\*b\?c\\d`, "star"},
	{`user.name:a\*b*`, "star"},
	{`user.name:a\*\\*`, ""},
	{`user.name:a?b?c?d`, "star"},

	// Missing fields: false, and true when negated. Null and [] are missing,
	// the empty string is not.
	{"user.name:*", "quoted revoked risk star"},
	{"NOT user.name:*", "early rejected"},
	{"NOT user.name:root", "early rejected revoked risk star"},
	{"related.user:*", "risk"},
	{"event.reason:*", "rejected"},
	{`event.reason:""`, "rejected"},
	{"event.severity:>0 AND NOT event.severity:>=73", "rejected revoked star"},
	{"NOT event.severity:*", "quoted"},

	// Several values: any one of them alone.
	{"event.type:info", "risk"},
	{"event.type:info AND event.type:change", "risk"},
	{"NOT event.type:info", "early quoted rejected revoked star"},
	{"policy.rules:tw?", "star"},
	{"related.user:u-1", "risk"},

	// Numbers.
	{"event.severity:73", "risk"},
	{"event.severity:>=73", "early risk"},
	{"event.severity:>73", "early"},
	{"event.severity:<21", "star"},
	{"event.severity:<=21", "rejected star"},
	{"event.severity:[21 TO 73]", "rejected revoked risk"},
	{"event.severity:{21 TO 73}", "revoked"},
	{"event.severity:{21 TO 73]", "revoked risk"},
	{"event.severity:[* TO 21}", "star"},
	{"action.attempt:2", "revoked"},

	// Dates: milliseconds, whole days, relative to now.
	{"@timestamp:2026-02-03T10:15:04.120Z", "revoked risk"},
	{"@timestamp:2026-02-03T11:15:04.120+01:00", "revoked risk"},
	{"@timestamp:2026-02-03T10:15:04Z", ""},
	{"@timestamp:>2026-02-03T10:15:04.119Z", "quoted revoked risk"},
	{"@timestamp:>2026-02-03T10:15:04.120Z", "quoted"},
	{"@timestamp:>=2026-02-03T10:15:04.120Z", "quoted revoked risk"},
	{"@timestamp:<=2026-02-03T09:00:00Z", "early rejected star"},
	{"@timestamp:<2026-02-03T09:00:00Z", "early star"},
	{"@timestamp:2026-02-02", "star"},
	{"@timestamp:>2026-02-02", "quoted rejected revoked risk"},
	{"@timestamp:>=2026-02-02", "quoted rejected revoked risk star"},
	{"@timestamp:<2026-02-02", "early"},
	{"@timestamp:<=2026-02-02", "early star"},
	{"@timestamp:[2026-02-02 TO 2026-02-02]", "star"},
	{"@timestamp:{2026-02-02 TO 2026-02-03]", "quoted rejected revoked risk"},
	{"@timestamp:>now-1h", "quoted"},
	{"@timestamp:[now-3h TO now-1h]", "rejected revoked risk"},
	{"@timestamp:<now-1d+1h", "early"},
	{"set.iat:>2026-02-03T10:15:04Z", "risk"},

	// Booleans.
	{"set.verified:true", "risk"},
	{"set.verified:false", "rejected"},
	{"NOT set.verified:true", "early quoted rejected revoked star"},
	{"action.final:TRUE", "revoked"},

	// Addresses and networks.
	{"source.ip:10.1.2.3", "rejected"},
	{"source.ip:10.0.0.0/8", "rejected"},
	{"related.ip:192.0.2.0/24", "risk"},
	{"related.ip:2001:DB8::/32", "risk"},
	{"related.ip:2001:0db8:0:0::7", "risk"},
	{"source.ip:0.0.0.0/0", "rejected risk"},
	{"source.ip:::ffff:10.1.2.3", "rejected"},

	// Texts: words, phrases, patterns for one word.
	{"message:travel", "risk"},
	{"message:TRAVEL", "risk"},
	{"message:trav", ""},
	{"message:trav*", "risk"},
	{`message:"impossible travel"`, "risk"},
	{`message:"travel impossible"`, ""},
	{`message:"impossible, travel!"`, "risk"},
	{"message:jane@example.com", "risk"},
	{"message:jane", "revoked risk"},
	{"message:STRASSE", ""},
	{"message:Straße", "star"},
	{"message:ÜBER", "star"},
	{`message:"stop actions by root"`, "quoted"},

	// Flattened fields: leaves as keywords.
	{"set.claims:high", "risk"},
	{"set.claims.current_level:high", "risk"},
	{"set.claims.current_level:low", ""},
	{"set.claims.score:73.5", "risk"},
	{"set.claims.seen:true", "risk"},
	{`set.claims.reason_admin.en:"impossible travel"`, "risk"},
	{"set.claims.reason_admin.en:*travel", "risk"},
	{"set.claims.reason_admin:*", ""},
	{"set.claims.a.b.c:dotted", "risk"},
	{"set.claims.list:y", "risk"},
	{"set.claims.none:*", ""},
	{"set.claims:*", "risk"},
	{"policy.facts.risk.level:high", "star"},
	{"policy.facts.n:3", "star"},
	{"policy.facts.n:03", ""},

	// Free text: words of texts, whole keywords and leaves, addresses.
	{"travel", "risk"},
	{`"impossible travel"`, "risk"},
	{"jane@example.com", "revoked risk"},
	{`"Jane Doe"`, "revoked"},
	{"imposs*", "risk"},
	{"*@example.org", "early"},
	{"dotted", "risk"},
	{"10.1.2.3", "rejected"},
	{`"10.0.0.0/8"`, "rejected"},
	{"two", "star"},
	{"NOT jane", "early quoted rejected star"},
	{"73", ""},
	{"ssf.set", ""},

	// Operators.
	{"event.severity:99 OR event.severity:10", "early star"},
	{"jane event.severity:73 OR root", "quoted risk"},
	{"jane (event.severity:73 OR root)", "risk"},
	{"NOT (jane OR root)", "early rejected star"},
	{"NOT jane NOT root", "early rejected star"},
	{"jane AND NOT travel", "revoked"},
	{strings.Repeat("(", 32) + "jane" + strings.Repeat(")", 32), "revoked risk"},
	{strings.Repeat("NOT (jane ", 10) + "*" + strings.Repeat(")", 10), "early quoted rejected revoked risk star"},
}
