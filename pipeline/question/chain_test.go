package question

import (
	"fmt"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// TestTree: what has no document of its own, names no cause, or is its own cause
// has a place all the same, and everything stands once.
func TestTree(t *testing.T) {
	doc := func(stream, text string) query.Hit { return query.Hit{Stream: stream, JSON: []byte(text)} }
	for _, c := range []struct {
		name string
		docs []query.Hit
		want string
	}{
		{"nothing", nil, ""},
		{"rejected", []query.Hit{doc("ssf.set", `{"event":{"id":"i-1"},"chain":{"root":"i-1","depth":0}}`)}, "input i-1 1"},
		{"a stranger's", []query.Hit{doc("ssf.error", `{"event":{"id":"x"}}`)}, "error x 1"},
		{"two events of a message", []query.Hit{
			doc("ssf.set", `{"event":{"id":"e-1"},"chain":{"root":"i-1","parent":"i-1"}}`),
			doc("ssf.alert", `{"event":{"id":"e-2"},"chain":{"root":"i-1","parent":["i-1"]}}`),
		}, "input i-1 0, > event e-1 1, > event e-2 1"},
		{"the decision before the event", []query.Hit{
			doc("ssf.decision", `{"event":{"id":"d-1"},"policy":{"decision_id":"d-1"},"chain":{"root":"i-1","parent":["e-1"]}}`),
			doc("ssf.set", `{"event":{"id":"e-1"},"chain":{"root":"i-1","parent":["i-1"]}}`),
		}, "input i-1 0, > event e-1 1, > > decision d-1 1"},
		{"the decision missing", []query.Hit{
			doc("ssf.action", `{"event":{"id":"a-1:queued"},"action":{"id":"a-1"},"chain":{"root":"i-1","parent":["d-1"]}}`),
			doc("ssf.action", `{"event":{"id":"a-1:acked"},"action":{"id":"a-1"},"chain":{"root":"i-1","parent":["d-1"]}}`),
		}, "input i-1 0, > decision d-1 0, > > action a-1 2"},
		{"a timer", []query.Hit{
			doc("ssf.set", `{"event":{"id":"e-1"},"chain":{"root":"i-1","parent":["i-1"]}}`),
			doc("ssf.alert", `{"event":{"id":"e-2"},"chain":{"root":"i-1","parent":["i-2"]}}`),
		}, "input i-1 0, > event e-1 1, > input i-2 0, > > event e-2 1"},
		{"a refused document", []query.Hit{
			doc("ssf.error", `{"event":{"id":"x"},"chain":{"root":"i-1","depth":2}}`),
		}, "input i-1 0, > error x 1"},
		{"a verdict on an action", []query.Hit{
			doc("ssf.action", `{"event":{"id":"a-1:queued"},"action":{"id":"a-1"},"chain":{"root":"i-1","parent":["d-1"]}}`),
			doc("ssf.audit", `{"event":{"id":"x"},"chain":{"root":"i-1","parent":["a-1"]}}`),
		}, "input i-1 0, > decision d-1 0, > > action a-1 1, > > > audit x 1"},
		{"two chains of a transaction", []query.Hit{
			doc("ssf.set", `{"event":{"id":"e-1"},"chain":{"root":"i-1","parent":["i-1"]}}`),
			doc("ssf.set", `{"event":{"id":"e-2"},"chain":{"root":"i-2","parent":["i-2"]}}`),
		}, "input i-1 0, > event e-1 1, input i-2 0, > event e-2 1"},
		{"causes in a circle", []query.Hit{
			doc("ssf.decision", `{"event":{"id":"d-1"},"policy":{"decision_id":"d-1"},"chain":{"root":"d-1","parent":["e-1"]}}`),
			doc("ssf.set", `{"event":{"id":"e-1"},"chain":{"root":"e-1","parent":["d-1"]}}`),
		}, "decision d-1 1, > event e-1 1"},
	} {
		links, err := Tree(c.docs)
		if got := strings.Join(written(links, ""), ", "); err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, got, err, c.want)
		}
	}
	if _, err := Tree([]query.Hit{doc("ssf.set", "{")}); err == nil {
		t.Error("a broken document: no error")
	}
}

func written(links []*Link, indent string) (list []string) {
	for _, l := range links {
		list = append(list, fmt.Sprintf("%s%s %s %d", indent, l.Kind, l.ID, len(l.Docs)))
		list = append(list, written(l.Then, indent+"> ")...)
	}
	return list
}
