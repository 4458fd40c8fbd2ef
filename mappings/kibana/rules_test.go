package kibana

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/question"
)

// ruleCases are documents for each rule, by its id without what all share: each
// list of match makes one alert, none of miss makes any. A document is its stream,
// time and fields; N* stands for N of them, # for its number.
var ruleCases = map[string]struct{ match, miss, before []string }{
	"01": {
		match: []string{"5* set 10:00 set.verdict=rejected set.reject.code=invalid_key set.iss=https://idp.example.com"},
		miss: []string{
			"4* set 10:00 set.verdict=rejected set.reject.code=invalid_key set.iss=https://idp.example.com",
			"5* set 10:00 set.verdict=rejected set.reject.code=invalid_audience set.iss=https://idp.example.com",
			"5* set 10:00 set.verdict=rejected set.reject.code=invalid_key set.iss=https://#.example.com",
			"5* set 10:00 set.verdict=accepted set.iss=https://idp.example.com",
		},
	},
	"02": {
		match:  []string{"2* set 10:00 set.verdict=accepted event.provider=https://new.example.com", "alert 10:00 set.verdict=accepted event.provider=edr"},
		miss:   []string{"set 10:00 set.verdict=accepted event.provider=https://idp.example.com", "set 10:00 set.verdict=rejected event.provider=https://new.example.com"},
		before: []string{"set 10:00 set.verdict=accepted event.provider=https://idp.example.com"},
	},
	"03": {
		match: []string{
			"set 10:00 set.verdict=accepted set.current_level=high chain.root=i-1",
			"alert 10:00 set.verdict=accepted change.to=high chain.root=i-1; action 10:06 action.status=acked chain.root=i-1",
			"set 10:00 set.verdict=accepted set.current_level=high chain.root=i-1; action 10:01 action.status=acked chain.root=i-2",
			"set 10:00 set.verdict=accepted set.current_level=high chain.root=i-1; action 10:01 action.status=held chain.root=i-1",
		},
		miss: []string{
			"set 10:00 set.verdict=accepted set.current_level=high chain.root=i-1; action 10:01 action.status=acked chain.root=i-1",
			"set 10:00 set.verdict=accepted set.current_level=low chain.root=i-1",
			"set 10:00 set.verdict=rejected set.current_level=high chain.root=i-1",
		},
	},
	"04": {match: []string{"action 10:00 action.status=dead", "action 10:00 action.status=expired"}, miss: []string{"action 10:00 action.status=failed", "action 10:00 action.status=acked"}},
	"05": {
		match: []string{"set 10:00 event.action=credential-compromise set.verdict=accepted", "alert 10:00 event.action=breach-exposure set.verdict=accepted"},
		miss:  []string{"set 10:00 event.action=credential-change set.verdict=accepted", "set 10:00 event.action=credential-compromise set.verdict=rejected"},
	},
	"06": {
		match: []string{"25* action 10:00 action.status=acked rule.name=threat_alert user.name=u#"},
		miss: []string{
			"24* action 10:00 action.status=acked rule.name=threat_alert user.name=u#", "50* action 10:00 action.status=acked rule.name=threat_alert user.name=jane",
			"25* action 10:00 action.status=acked rule.name=r# user.name=u#", "25* action 10:00 action.status=suppressed rule.name=threat_alert user.name=u#",
		},
	},
	"07": {match: []string{"audit 10:00 event.action=stop-actions"}, miss: []string{"audit 10:00 event.action=resume-actions"}},
	"08": {match: []string{"audit 10:00 event.action=reload", "audit 10:00 event.action=restore"}, miss: []string{"audit 10:00 event.action=start"}},
	"09": {match: []string{"audit 10:00 event.action=backup", "audit 10:00 event.action=export"}, miss: []string{"audit 10:00 event.action=compact"}},
	"10": {
		match: []string{"5* audit 10:00 event.action=verdict audit.verdict=false rule.name=threat_alert"},
		miss: []string{
			"4* audit 10:00 event.action=verdict audit.verdict=false rule.name=threat_alert", "5* audit 10:00 event.action=verdict audit.verdict=true rule.name=threat_alert",
			"5* audit 10:00 event.action=verdict audit.verdict=false rule.name=r#",
		},
	},
	"11": {match: []string{"action 10:00 action.guard=loop"}, miss: []string{"action 10:00 action.guard=limit"}},
	"12": {
		match: []string{"set 10:00 change.entity=device.compliance change.to=not-compliant user.name=ola; set 17:59 event.category=session event.type=start user.name=ola"},
		miss: []string{
			"set 10:00 change.entity=device.compliance change.to=not-compliant user.name=ola; set 18:01 event.category=session event.type=start user.name=ola",
			"set 10:00 change.entity=device.compliance change.to=not-compliant user.name=ola; set 11:00 event.category=session event.type=start user.name=max",
			"set 10:00 change.entity=device.compliance change.to=not-compliant user.name=ola; set 11:00 event.category=session event.type=end user.name=ola",
			"set 10:00 change.entity=device.compliance change.to=compliant user.name=ola; set 11:00 event.category=session event.type=start user.name=ola",
			"set 10:00 event.category=session event.type=start user.name=ola; set 11:00 change.entity=device.compliance change.to=not-compliant user.name=ola",
		},
	},
	"13": {
		match: []string{"alert 10:00 event.severity=73 host.id=7 user.name=jane; set 10:15 change.entity=user.risk change.to=high user.name=jane"},
		miss: []string{
			"alert 10:00 event.severity=73 host.id=7 user.name=jane; set 10:16 change.entity=user.risk change.to=high user.name=jane",
			"alert 10:00 event.severity=47 host.id=7 user.name=jane; set 10:05 change.entity=user.risk change.to=high user.name=jane",
			"alert 10:00 event.severity=73 user.name=jane; set 10:05 change.entity=user.risk change.to=high user.name=jane",
			"alert 10:00 event.severity=73 host.id=7 user.name=jane; set 10:05 change.entity=user.risk change.to=medium user.name=jane",
			"alert 10:00 event.severity=73 host.id=7 user.name=jane; set 10:05 change.entity=user.risk change.to=high user.name=kim",
		},
	},
	"14": {match: []string{"set 10:00 set.verdict=reused"}, miss: []string{"set 10:00 set.verdict=repeated"}},
}

// TestRulesFire: each rule makes an alert of what it is for, and none of what is
// nearly that.
func TestRulesFire(t *testing.T) {
	const shared = "6b1de8f0-5d0c-4c0e-9a53-2b7f5b0a1c"
	asked := 0
	for _, r := range rules {
		c, ok := ruleCases[strings.TrimPrefix(r.id, shared)]
		if !ok || len(c.match) == 0 || len(c.miss) == 0 {
			t.Errorf("%s has no documents that match, or none that do not", r.name)
		}
		asked++
		var before []seen
		for _, text := range c.before {
			before = append(before, documentsOf(t, text)...)
		}
		for _, text := range c.match {
			if n := r.fires(t, documentsOf(t, text), before); n == 0 || r.kind != "query" && n != 1 {
				t.Errorf("%s makes %d alerts of %s", r.name, n, text)
			}
		}
		for _, text := range c.miss {
			if n := r.fires(t, documentsOf(t, text), before); n != 0 {
				t.Errorf("%s makes %d alerts of %s", r.name, n, text)
			}
		}
	}
	if asked != len(ruleCases) {
		t.Errorf("there are documents for %d rules, and %d rules", len(ruleCases), asked)
	}
}

// documentsOf reads documents as ruleCases has them, with what every document
// has. They hold fields of the templates alone.
func documentsOf(t *testing.T, text string) (docs []seen) {
	t.Helper()
	for _, one := range strings.Split(text, "; ") {
		times := 1
		if n, rest, ok := strings.Cut(one, "* "); ok {
			if _, err := fmt.Sscan(n, &times); err != nil {
				t.Fatal(err)
			}
			one = rest
		}
		for n := range times {
			words := strings.Fields(strings.ReplaceAll(one, "#", fmt.Sprint(n)))
			stream := "ssf." + words[0]
			doc := map[string]any{"@timestamp": "2026-02-03T" + words[1] + ":00.000Z"}
			for _, pair := range append(words[2:], "event.dataset="+stream) {
				name, value, _ := strings.Cut(pair, "=")
				f, ok := document.Lookup(name)
				if !ok {
					t.Fatalf("%s is no field", name)
				}
				var v any = value
				if f.Type == document.Long {
					v = json.Number(value)
				}
				at, path := doc, strings.Split(name, ".")
				for _, p := range path[:len(path)-1] {
					if at[p] == nil {
						at[p] = map[string]any{}
					}
					at = at[p].(map[string]any)
				}
				at[path[len(path)-1]] = v
			}
			raw, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			pipelinetest.Fit(t, pipeline.Delivery{Kind: stream, Payload: raw})
			docs = append(docs, see(t, raw))
		}
	}
	return docs
}

// TestQuestionTexts: the KQL of every question finds some of the documents with
// which every index is tested, and not all; its EQL finds a pair.
func TestQuestionTexts(t *testing.T) {
	var docs []seen
	for _, d := range pipelinetest.QuestionDocuments(t) {
		docs = append(docs, see(t, d.Payload))
	}
	for _, q := range question.All() {
		n := 0
		about := parse(t, q.Example(q.KQL))
		for _, d := range docs {
			if about(d) {
				n++
			}
		}
		if n == 0 || n == len(docs) {
			t.Errorf("the KQL of %s finds %d of %d documents", q.Name, n, len(docs))
		}
		if q.EQL != "" && len(parseSequence(t, q.Example(q.EQL)).matches(docs)) == 0 {
			t.Errorf("the EQL of %s finds nothing", q.Name)
		}
	}
}
