package query

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "*"},
		{"  \t", "*"},
		{"*", "*"},
		{"**", "*"},
		{"event.action:session-revoked AND user.email:*@example.com", "event.action:session-revoked AND user.email:*@example.com"},
		{"event.action:session-revoked user.email:*@example.com", "event.action:session-revoked AND user.email:*@example.com"},
		{"* AND a AND *", "a"},
		{"NOT *", "NOT *"},
		{"a OR b c", "a OR b AND c"},
		{"(a OR b) c", "(a OR b) AND c"},
		{"((a))", "a"},
		{"a AND (b AND (c AND d))", "a AND b AND c AND d"},
		{"a OR (b OR c)", "a OR b OR c"},
		{"NOT a b", "NOT a AND b"},
		{"NOT(a b)", "NOT (a AND b)"},
		{"NOT NOT a", "a"},
		{"NOT (NOT (a OR b))", "a OR b"},
		{"a AND NOT b", "a AND NOT b"},
		{"(a)(b)", "a AND b"},
		{"ANDROID ORder NOTe", "ANDROID AND ORder AND NOTe"},
		{`"AND" "two words"`, `"AND" AND "two words"`},
		{`"and"`, `"and"`},
		{`\-x`, `"-x"`},
		{`\-x*`, `\-x*`},
		{`a\:b*`, `a\:b*`},
		{`a\:b`, `"a:b"`},
		{"imposs*", "imposs*"},
		{`user.name:a\*b`, `user.name:"a*b"`},
		{`user.name:a\*b*`, `user.name:a\*b*`},
		{`user.name:a\\**`, `user.name:a\\*`},
		{`user.name:a***b?*`, `user.name:a*b?*`},
		{`user.name:"*"`, `user.name:"*"`},
		{"user.name:*", "user.name:*"},
		{"user.name:**", "user.name:*"},
		{`user.name:""`, `user.name:""`},
		{`user.name:"say \"hi\" \\"`, `user.name:"say \"hi\" \\"`},
		{"user.name:AND", "user.name:AND"},
		{"user.name:-x", "user.name:-x"},
		{"set.iss:https://idp.example.com", "set.iss:https://idp.example.com"},
		{"event.severity:073", "event.severity:73"},
		{"event.severity:>=73", "event.severity:>=73"},
		{"event.severity:[73 TO *]", "event.severity:>=73"},
		{"event.severity:{73 TO *}", "event.severity:>73"},
		{"event.severity:[* TO 73}", "event.severity:<73"},
		{"event.severity:[* TO *]", "event.severity:*"},
		{"event.severity:{21 TO 73]", "event.severity:{21 TO 73]"},
		{"event.severity:[ -1 TO 73 ]", "event.severity:[-1 TO 73]"},
		{"@timestamp:>now-1h", "@timestamp:>now-1h"},
		{"@timestamp:<=now", "@timestamp:<=now"},
		{"@timestamp:2026-02-03", "@timestamp:2026-02-03"},
		{"@timestamp:[2026-02-03 TO now+1d-2h]", "@timestamp:[2026-02-03 TO now+1d-2h]"},
		{`@timestamp:>"2026-02-03T11:15:04+01:00"`, "@timestamp:>2026-02-03T10:15:04.000Z"},
		{"set.verified:TRUE", "set.verified:true"},
		{"source.ip:10.1.2.3/8", "source.ip:10.0.0.0/8"},
		{"source.ip:::ffff:192.0.2.1", "source.ip:192.0.2.1"},
		{"source.ip:2001:DB8::1", "source.ip:2001:db8::1"},
		{"set.claims:high", "set.claims:high"},
		{"set.claims.reason_admin.en:*travel*", "set.claims.reason_admin.en:*travel*"},
		{`set.claims.a\ b\*:x`, `set.claims.a\ b\*:x`},
		{"set.claims.x:*", "set.claims.x:*"},
		{"message:impossible", "message:impossible"},
		{"日本 ÄÖ*", "日本 AND ÄÖ*"},
	} {
		q, err := Parse(c.text)
		if err != nil {
			t.Errorf("Parse(%q): %v", c.text, err)
			continue
		}
		if got := q.String(); got != c.want {
			t.Errorf("Parse(%q) = %q, want %q", c.text, got, c.want)
		}
		again, err := Parse(c.want)
		if err != nil || !reflect.DeepEqual(again, q) {
			t.Errorf("Parse(%q) is another tree than that of %q: %#v, %v", c.want, c.text, again, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int
		says   string
	}{
		{"user.emial:x", 0, "did you mean user.email?"},
		{"a AND email:x", 6, "did you mean user.email?"},
		{"https://idp.example.com", 0, "in quotes"},
		{"nosuchthing:1", 0, `unknown field "nosuchthing"`},
		{"user:x", 0, "unknown field"},
		{"event.original:x", 0, "kept, not searched"},
		{"event.severity:high", 15, "cannot be"},
		{"event.severity:7*", 15, "takes no wildcard"},
		{"event.severity:73.5", 15, "cannot be"},
		{"event.severity:>=", 17, "needs a value"},
		{"event.severity:>*", 15, "needs a value"},
		{"event.severity:[73 TO 21]", 22, "ends before it begins"},
		{"event.severity:[73]", 18, "TO is expected"},
		{"event.severity:[1 TO 2", 15, "never closed"},
		{"event.severity:[1* TO 2]", 16, "no wildcard"},
		{"user.name:>a", 11, "has no order"},
		{"user.name:[a TO b]", 11, "has no order"},
		{"@timestamp:yesterday", 11, "now-1h"},
		{"@timestamp:now-1y", 11, "cannot be"},
		{"@timestamp:now-999999999w", 11, "cannot be"},
		{"@timestamp:2026-02-30", 11, "cannot be"},
		{"set.verified:yes", 13, "true or false"},
		{"source.ip:10.0.0.*", 10, "network"},
		{"source.ip:fe80::1%eth0", 10, "cannot be"},
		{`message:"--"`, 8, "holds no word"},
		{"user.name:", 10, "has no value"},
		{"user.name: x", 10, "directly behind"},
		{"user.name:(a)", 10, "in quotes"},
		{"user.*:x", 0, "no wildcard"},
		{":x", 0, "a field is expected"},
		{"(a", 0, "never closed"},
		{"a)", 1, "no ( for it"},
		{"()", 1, "a term is expected"},
		{"a AND", 5, "ends where a term"},
		{"AND a", 0, "expected before AND"},
		{"a OR OR b", 5, "expected before OR"},
		{"NOT", 3, "ends where a term"},
		{"a and b", 2, "upper case"},
		{"a && b", 2, "write AND"},
		{"-a", 0, "write NOT"},
		{`"abc`, 0, "never closed"},
		{`"abc\`, 0, "never closed"},
		{`abc\`, 3, "within an escape"},
		{`""`, 0, "empty text"},
		{`abc"def"`, 3, `unexpected "`},
		{">5", 0, "needs a field"},
		{"a\xff", 0, "UTF-8"},
		{strings.Repeat("a", MaxLength+1), MaxLength, "longer than"},
		{strings.Repeat("(", MaxDepth+1) + "a", MaxDepth, "nested deeper"},
		{strings.Repeat("NOT ", MaxDepth+1) + "a", MaxDepth * 4, "nested deeper"},
		{strings.Repeat("a ", MaxTerms+1), MaxTerms * 2, "more than 256 terms"},
	} {
		_, err := Parse(c.text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("Parse(%.60q) = %v, want an *Error", c.text, err)
			continue
		}
		if e.Offset != c.offset || !strings.Contains(e.Error(), c.says) {
			t.Errorf("Parse(%.60q) fails with %q (offset %d), want %q at %d", c.text, e, e.Offset, c.says, c.offset)
		}
	}
}

func TestSpan(t *testing.T) {
	now := time.Date(2026, 2, 3, 10, 0, 0, 123456789, time.UTC)
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		date     string
		from, to string
	}{
		{"now", "2026-02-03T10:00:00.123Z", "2026-02-03T10:00:00.124Z"},
		{"now-1w+1s", "2026-01-27T10:00:01.123Z", "2026-01-27T10:00:01.124Z"},
		{"2026-02-03", "2026-02-03T00:00:00Z", "2026-02-04T00:00:00Z"},
		{"2026-02-03T10:15:04.120Z", "2026-02-03T10:15:04.120Z", "2026-02-03T10:15:04.121Z"},
	} {
		from, to := Span(c.date, now)
		if !from.Equal(at(c.from)) || !to.Equal(at(c.to)) {
			t.Errorf("Span(%s) = %v, %v", c.date, from, to)
		}
	}
}

func TestTimeline(t *testing.T) {
	q, err := Timeline("user", "*jane@example.com")
	if err != nil {
		t.Fatal(err)
	}
	const want = `related.user:"*jane@example.com" OR user.name:"*jane@example.com" OR user.email:"*jane@example.com" OR user.id:"*jane@example.com"`
	if q.String() != want {
		t.Errorf("timeline is %s", q)
	}
	for kind := range timelines {
		q, err := Timeline(kind, "a b")
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if again, err := Parse(q.String()); err != nil || !reflect.DeepEqual(again, q) {
			t.Errorf("%s: %s does not parse to itself: %v", kind, q, err)
		}
	}
	for _, c := range [][2]string{{"planet", "x"}, {"user", ""}, {"user", strings.Repeat("x", MaxLength)}} {
		if _, err := Timeline(c[0], c[1]); err == nil {
			t.Errorf("Timeline(%q, %.10q) gives no error", c[0], c[1])
		}
	}
}

func TestQueryAnd(t *testing.T) {
	a, _ := Parse("a OR b")
	b, _ := Parse("c AND d")
	if got := a.And(b).String(); got != "(a OR b) AND c AND d" {
		t.Errorf("And gives %s", got)
	}
	if got := a.And().String(); got != "a OR b" {
		t.Errorf("And of one gives %s", got)
	}
	if got := (Query{}).And(a).String(); got != "a OR b" {
		t.Errorf("And with everything gives %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "*", "event.action:session-revoked AND user.email:*@example.com", "a OR (b c) NOT d",
		`"quo\"ted" \-x*`, "@timestamp:[now-1h TO 2026-02-03}", "event.severity:{1 TO 5]", `set.claims.a\ b.c:x?`,
		"source.ip:10.0.0.0/8 set.verified:true", `a\\** (((`, "NOT NOT NOT (x)", "policy.steps:>=-0", "x\u00a0y",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) || e.Problem == "" {
				t.Fatalf("Parse(%q) fails with %#v", text, err)
			}
			return
		}
		canonical := q.String()
		if len(canonical) > MaxLength {
			return // quoting made it longer than may be typed
		}
		again, err := Parse(canonical)
		if err != nil {
			t.Fatalf("%q: canonical %q does not parse: %v", text, canonical, err)
		}
		if !reflect.DeepEqual(again, q) || again.String() != canonical {
			t.Fatalf("%q: canonical %q gives another tree, %q", text, canonical, again)
		}
	})
}
