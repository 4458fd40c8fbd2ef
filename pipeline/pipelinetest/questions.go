package pipelinetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/question"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// answers are the questions about QuestionDocuments. An answer is written as
// its rows, values joined by |, - where there is none; of documents as stream
// and message.
var answers = []struct {
	name   string
	values string // name=value with spaces between
	since  time.Duration
	limit  int
	found  int // when more than the rows
	want   string
}{
	{name: "user-timeline", values: "user=jane@example.com", want: `
		ssf.set idp.example.com: session established for jane@example.com
		ssf.alert edr: high alert "Token theft" for jane@example.com (cookie replayed)
		ssf.decision no action for jane@example.com: credential_compromise looked at alert and found nothing to do
		ssf.set idp.example.com: user risk LOW→HIGH for jane@example.com (impossible travel)
		ssf.decision revoke-session for jane@example.com: user risk is high (credential_compromise)
		ssf.action revoke-session for jane@example.com queued for downstream: user risk is high
		ssf.action revoke-session for jane@example.com acked by downstream: 202
		ssf.audit verdict false by ana on risk-level-change d-00000000000000000000000008 for jane@example.com: she was travelling`},
	{name: "user-timeline", values: "user=jane@example.com", limit: 2, found: 8, want: `
		ssf.set idp.example.com: session established for jane@example.com
		ssf.alert edr: high alert "Token theft" for jane@example.com (cookie replayed)`},
	{name: "user-timeline", values: "user=JANE"},
	{name: "session-timeline", values: "session=s-100", want: `
		ssf.set idp.example.com: session established for jane@example.com
		ssf.set idp.example.com: user risk LOW→HIGH for jane@example.com (impossible travel)
		ssf.decision revoke-session for jane@example.com: user risk is high (credential_compromise)
		ssf.action revoke-session for jane@example.com queued for downstream: user risk is high
		ssf.action revoke-session for jane@example.com acked by downstream: 202
		ssf.audit verdict false by ana on risk-level-change d-00000000000000000000000008 for jane@example.com: she was travelling`},
	{name: "why", values: "id=a-00000000000000000000000080", want: `
		ssf.set idp.example.com: user risk LOW→HIGH for jane@example.com (impossible travel)
		ssf.decision revoke-session for jane@example.com: user risk is high (credential_compromise)
		ssf.action revoke-session for jane@example.com queued for downstream: user risk is high
		ssf.action revoke-session for jane@example.com acked by downstream: 202
		ssf.audit verdict false by ana on risk-level-change d-00000000000000000000000008 for jane@example.com: she was travelling`},
	{name: "why", values: "id=jti-8", want: `
		ssf.set idp.example.com: user risk LOW→HIGH for jane@example.com (impossible travel)
		ssf.decision revoke-session for jane@example.com: user risk is high (credential_compromise)
		ssf.action revoke-session for jane@example.com queued for downstream: user risk is high
		ssf.action revoke-session for jane@example.com acked by downstream: 202
		ssf.audit verdict false by ana on risk-level-change d-00000000000000000000000008 for jane@example.com: she was travelling`},
	{name: "why", values: "id=nothing"},
	{name: "unfinished-actions", want: `
		a-00000000000000000000000160|revoke-session|downstream|s-1|email:lee@example.com|queued|0|2026-02-03T10:20:02.000Z|5998
		a-00000000000000000000000130|revoke-session|okta|-|email:kim@example.com|dead|12|2026-02-03T10:40:00.000Z|4800`},
	{name: "unfinished-actions", values: "after=2h", want: `
		a-00000000000000000000000130|revoke-session|okta|-|email:kim@example.com|dead|12|2026-02-03T10:40:00.000Z|4800`},
	{name: "unfinished-actions", values: "after=1m", limit: 1, found: 3, want: `
		a-00000000000000000000000160|revoke-session|downstream|s-1|email:lee@example.com|queued|0|2026-02-03T10:20:02.000Z|5998`},
	{name: "response-time", want: `
		okta|1|300000|300000|300000
		downstream|1|240|240|240`},
	{name: "response-time", values: "every=1h", want: `
		2026-02-03T09:00:00.000Z|downstream|1|240|240|240
		2026-02-03T10:00:00.000Z|okta|1|300000|300000|300000`},
	{name: "waiting-actions", want: `
		a-00000000000000000000000180|disable-account|email:mia@example.com|credential_compromise|held|5398.97|2026-02-04T10:30:00.000Z`},
	{name: "top-users", want: `
		tom@example.com|2|2|73|2026-02-03T11:58:00.000Z
		jane@example.com|2|2|73|2026-02-03T09:38:00.000Z
		mia@example.com|1|1|73|2026-02-03T10:30:00.000Z
		lee@example.com|1|1|73|2026-02-03T10:20:00.000Z
		kim@example.com|1|1|73|2026-02-03T10:10:00.000Z
		john@example.com|1|1|73|2026-02-03T10:00:00.000Z`},
	{name: "top-users", since: time.Hour, want: `
		tom@example.com|1|1|73|2026-02-03T11:58:00.000Z`},
	{name: "top-users", values: "severity=99"},
	{name: "user-and-device-risk", want: `
		2026-02-03T09:30:00.000Z|jane@example.com|480|edr: high alert "Token theft" for jane@example.com (cookie replayed)|LAPTOP-7|idp.example.com: user risk LOW→HIGH for jane@example.com (impossible travel)`},
	{name: "user-and-device-risk", values: "within=5m"},
	{name: "unanswered-risk", want: `
		2026-02-03T10:00:00.000Z|i-00000000000000000000000011|john@example.com|idp.example.com: user risk LOW→HIGH for john@example.com (impossible travel)|-`},
	{name: "unanswered-risk", values: "within=60s", want: `
		2026-02-03T10:00:00.000Z|i-00000000000000000000000011|john@example.com|idp.example.com: user risk LOW→HIGH for john@example.com (impossible travel)|-
		2026-02-03T11:58:00.000Z|i-00000000000000000000000012|tom@example.com|idp.example.com: user risk LOW→HIGH for tom@example.com (impossible travel)|-`},
	{name: "rejected-tokens", want: `
		invalid_key|https://idp.example.com|idp|3|3|2|2026-02-03T11:20:02.000Z
		invalid_request|-|idp|1|1|1|2026-02-03T11:21:00.000Z`},
	{name: "rejected-tokens", values: "every=1h", want: `
		2026-02-03T11:00:00.000Z|invalid_key|https://idp.example.com|idp|3|3|2|2026-02-03T11:20:02.000Z
		2026-02-03T11:00:00.000Z|invalid_request|-|idp|1|1|1|2026-02-03T11:21:00.000Z`},
	{name: "rule-quality", want: `
		credential_compromise|4|4|4|1|1|1.00
		device_compliance|1|1|1|0|0|-
		session_hijack|1|1|1|0|0|-
		unplanned_leaver|1|0|1|0|0|-`},
	{name: "stopped-actions", want: `
		limit|pending_approval|device_compliance|disable-account|1|1|2026-02-03T10:45:01.030Z|2026-02-03T10:45:01.030Z
		mode|suppressed|unplanned_leaver|disable-account|1|1|2026-02-03T11:10:01.030Z|2026-02-03T11:10:01.030Z
		protected|held|credential_compromise|disable-account|1|1|2026-02-03T10:30:01.030Z|2026-02-03T10:30:01.030Z`},
	{name: "quiet-sources", want: `
		feed|https://feed.example.net|1|2026-02-02T20:00:01.000Z|57599
		edr|edr|1|2026-02-03T09:30:01.000Z|8999`},
	{name: "quiet-sources", values: "for=20m", want: `
		feed|https://feed.example.net|1|2026-02-02T20:00:01.000Z|57599
		edr|edr|1|2026-02-03T09:30:01.000Z|8999`},
	{name: "noncompliant-sessions", want: `
		2026-02-03T07:00:00.000Z|ola@example.com|3600|idp.example.com: device compliance compliant→not-compliant for LAPTOP-9 of ola@example.com|LAPTOP-9|idp.example.com: session established for ola@example.com|s-900`},
	{name: "shadow", want: `
		r-42|enforce|act|4|4|3|2026-02-03T11:55:01.030Z
		r-42|enforce|needs_approval|2|2|2|2026-02-03T10:45:01.030Z
		r-42|shadow|suppressed|1|1|1|2026-02-03T11:10:01.030Z
		r-42|-|no_action|6|6|5|2026-02-03T11:58:01.030Z`},
}

// TestQuestions asks an index all questions of package question about documents
// that the product's own renderer made. open gives an empty index and its two
// sides; it is called once per subtest.
func TestQuestions(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	t.Run("Answers", func(t *testing.T) { testAnswers(t, open) })
	t.Run("Chain", func(t *testing.T) { testChain(t, open) })
	t.Run("SessionEnds", func(t *testing.T) { testSessionEnds(t, open) })
	t.Run("Many", func(t *testing.T) { testManyPairs(t, open) })
	t.Run("Mistakes", func(t *testing.T) { testQuestionMistakes(t, open) })
}

func testAnswers(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	deliver(t, sink, QuestionDocuments(t)...)
	asked := map[string]bool{}
	for _, c := range answers {
		asked[c.name] = true
		q, ok := question.Lookup(c.name)
		if !ok {
			t.Errorf("there is no question %s", c.name)
			continue
		}
		r := question.Request{Values: map[string]string{}, Now: SearcherNow, Limit: c.limit}
		for _, pair := range strings.Fields(c.values) {
			name, value, _ := strings.Cut(pair, "=")
			r.Values[name] = value
		}
		if c.since != 0 {
			r.From = SearcherNow.Add(-c.since)
		}
		a, err := question.Ask(t.Context(), searcher, q, r)
		if err != nil {
			t.Errorf("%s %s: %v", c.name, c.values, err)
			continue
		}
		got := rowsOf(a)
		if want := strings.TrimSpace(strings.ReplaceAll(c.want, "\t", "")); got != want {
			t.Errorf("%s %s\n%s\nwant\n%s", c.name, c.values, got, want)
		}
		found := c.found
		if found == 0 && got != "" {
			found = strings.Count(got, "\n") + 1
		}
		if a.Found != found || a.Partial != "" {
			t.Errorf("%s %s: found %d, want %d; partial %q", c.name, c.values, a.Found, found, a.Partial)
		}
	}
	for _, q := range question.All() {
		if !asked[q.Name] {
			t.Errorf("nobody asks %s", q.Name)
		}
	}
}

// rowsOf writes an answer as answers have it.
func rowsOf(a question.Answer) string {
	var lines []string
	for _, d := range a.Docs {
		lines = append(lines, d.Stream+" "+message(d.JSON))
	}
	for _, row := range a.Rows {
		var cells []string
		for i, v := range row {
			switch x := v.(type) {
			case nil:
				cells = append(cells, "-")
			case string:
				cells = append(cells, x)
			case float64:
				if a.Columns[i].Kind == question.ShareColumn {
					cells = append(cells, strconv.FormatFloat(x, 'f', 2, 64))
					break
				}
				cells = append(cells, strconv.FormatFloat(x, 'f', -1, 64))
			default:
				cells = append(cells, fmt.Sprintf("%T", v))
			}
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return strings.Join(lines, "\n")
}

// testChain: any id of a chain gives the whole of it, nested by its causes.
func testChain(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	deliver(t, sink, QuestionDocuments(t)...)
	q, _ := question.Lookup("why")
	const want = `input i-00000000000000000000000008 0
  event e-00000000000000000000000008 1
    decision d-00000000000000000000000008 1
      action a-00000000000000000000000080 2
      audit 1
`
	for _, id := range []string{"i-00000000000000000000000008", "e-00000000000000000000000008", "d-00000000000000000000000008", "a-00000000000000000000000080", "jti-8"} {
		a, err := question.Ask(t.Context(), searcher, q, question.Request{Now: SearcherNow, Values: map[string]string{"id": id}})
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		links, err := question.Tree(a.Docs)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if got := treeOf(links, ""); got != want {
			t.Errorf("the chain of %s is\n%s\nwant\n%s", id, got, want)
		}
	}
}

// testSessionEnds: the timeline of a session shows what ended all sessions of its
// user or on its device, and not what did so elsewhere, before it, or in part.
func testSessionEnds(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	const ended = `{"entity":"session","from":"live","to":"revoked","applied":true}`
	const disabled = `{"entity":"user.account","from":"enabled","to":"disabled","applied":true}`
	sink, searcher := open(t)
	s := &story{t: t}
	tell := func(at, typ, user, device, session, change string) {
		s.tell(told{at: onDay(at), issuer: storyIdP, user: user, device: device, session: session, typ: typ, body: "{}", change: change})
	}
	tell("06:00:00", "session-revoked", "ann", "", "", ended)
	tell("07:00:00", "session-established", "ann", "LT-1", "s-1", "")
	tell("07:01:00", "session-established", "bob", "LT-3", "s-2", "")
	tell("07:10:00", "session-revoked", "bob", "", "", ended)
	tell("08:00:00", "session-revoked", "ann", "LT-2", "", ended)
	tell("08:10:00", "session-revoked", "ann", "LT-1", "", ended)
	tell("08:15:00", "session-revoked", "", "LT-1", "", ended)
	tell("08:20:00", "session-revoked", "bob", "LT-1", "", ended)
	tell("08:30:00", "session-revoked", "ann", "", "s-9", ended)
	tell("09:00:00", "session-revoked", "ann", "", "", ended)
	tell("09:10:00", "session-revoked", "ann", "", "", "") // of an application only
	tell("09:30:00", "account-disabled", "ann", "", "", disabled)
	act := asked("unplanned_leaver", "revoke-session", "app", pipeline.Queued)
	act.ID, act.Key, act.User, act.Mode, act.Attempt = "a-1", "email:ann@example.com", storyUser("ann"), pipeline.Enforce, 1
	s.went(onDay("09:31:00"), act)
	act.Status = pipeline.Acked
	s.went(onDay("09:31:01"), act)
	act.ID, act.Test = "a-2", true
	s.went(onDay("09:32:00"), act)
	tell("09:40:00", "account-enabled", "ann", "", "", `{"entity":"user.account","from":"disabled","to":"enabled","applied":true}`)
	deliver(t, sink, s.docs...)
	q, _ := question.Lookup("session-timeline")
	for from, want := range map[string]string{
		"00:00:00": "07:00 08:10 08:15 09:00 09:30 09:31",
		"09:15:00": "09:30 09:31", // whose it is was said before
	} {
		a, err := question.Ask(t.Context(), searcher, q, question.Request{Now: SearcherNow, From: onDay(from), Values: map[string]string{"session": "s-1"}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range a.Docs {
			got = append(got, d.Time.UTC().Format("15:04"))
		}
		if strings.Join(got, " ") != want || a.Found != len(got) {
			t.Errorf("from %s it is %d documents, %q; want %q", from, a.Found, got, want)
		}
	}
	long := strings.Repeat(`"`, 500)
	if _, err := question.Ask(t.Context(), searcher, q, question.Request{Now: SearcherNow, Values: map[string]string{"session": long}}); err != nil {
		t.Errorf("a session with a long name: %v", err)
	}
}

// treeOf writes links as testChain has them: how many documents each has, and
// ids where they are not made of the time.
func treeOf(links []*question.Link, indent string) (text string) {
	for _, l := range links {
		text += indent + string(l.Kind)
		if l.Kind != question.AuditLink {
			text += " " + l.ID
		}
		text += fmt.Sprintf(" %d\n", len(l.Docs)) + treeOf(l.Then, indent+"  ")
	}
	return text
}

// testManyPairs has more documents than a page on either side of a sequence, and
// more groups than one.
func testManyPairs(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	const users = 1200
	sink, searcher := open(t)
	s := &story{t: t}
	for i := range users {
		user := fmt.Sprintf("u%04d", i)
		at := onDay("01:00:00").Add(time.Duration(i) * time.Second)
		s.tell(told{at: at, issuer: storyIdP, user: user, device: "L", typ: "device-compliance-change", body: noLonger, change: strayed})
		s.tell(told{at: at.Add(time.Hour), issuer: storyIdP, user: user, session: "s", typ: "session-established", body: `{}`})
	}
	for len(s.docs) > 0 {
		n := min(len(s.docs), 500)
		deliver(t, sink, s.docs[:n]...)
		s.docs = s.docs[n:]
	}
	for _, c := range []struct {
		name, within string
		found        int
	}{{"noncompliant-sessions", "1h", users}, {"noncompliant-sessions", "59m", 0}} {
		q, _ := question.Lookup(c.name)
		a, err := question.Ask(t.Context(), searcher, q, question.Request{Now: SearcherNow, Limit: 10, Values: map[string]string{"within": c.within}})
		if err != nil || a.Found != c.found || len(a.Rows) != min(c.found, 10) || a.Partial != "" {
			t.Errorf("%s within %s: %d rows of %d, %q, %v; want %d", c.name, c.within, len(a.Rows), a.Found, a.Partial, err, c.found)
		}
	}
}

func testQuestionMistakes(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	_, searcher := open(t)
	for _, c := range []struct {
		name, param, value, says string
		limit                    int
	}{
		{"user-timeline", "", "", "--user is missing", 0},
		{"user-timeline", "user", strings.Repeat("x", 513), "longer than 512 bytes", 0},
		{"user-timeline", "usr", "x", "user is missing", 0},
		{"top-users", "severty", "73", `Did you mean "severity"`, 0},
		{"top-users", "severity", "high", "is no number", 0},
		{"noncompliant-sessions", "within", "soon", "is no duration", 0},
		{"noncompliant-sessions", "within", "367d", "is no duration", 0},
		{"rejected-tokens", "every", "1y", "no interval", 0},
		{"top-users", "", "", "out of range", question.MaxLimit + 1},
	} {
		q, _ := question.Lookup(c.name)
		r := question.Request{Now: SearcherNow, Limit: c.limit, Values: map[string]string{}}
		if c.param != "" {
			r.Values[c.param] = c.value
		}
		_, err := question.Ask(t.Context(), searcher, q, r)
		var bad *question.Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s --%s %s gives %v, want %s", c.name, c.param, c.value, err, c.says)
		}
	}
}

func message(doc []byte) string {
	v, err := strictjson.Parse(doc, strictjson.Limits{})
	if err != nil {
		return err.Error()
	}
	return v.Get("message").Text()
}
