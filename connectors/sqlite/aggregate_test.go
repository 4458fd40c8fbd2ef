package sqlite

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// FuzzRawValue holds the quick reader of one value to the parser of all.
func FuzzRawValue(f *testing.F) {
	for _, s := range [][2]string{
		{`{"a":{"b":"x"}}`, "a.b"}, {`{"x":[1,{"a":2}],"a" : { "c":"\\\"","b":[1, 2] }}`, "a.b"}, {`{"\u0061":1}`, "a"},
		{`{"a":"b\\"}`, "a"}, {`{"a":1}`, "a.b"}, {`[]`, "a"}, {`{"s":"{\"a\":1}","a":null}`, "a"}, {`{}`, "a"}, {` {"b":-1e5 , "a":true } `, "a"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		doc, err := strictjson.Parse([]byte(text), docLimits)
		if err != nil || name == "" {
			return
		}
		path := strings.Split(name, ".")
		want := doc.Get(path...).Raw()
		if got := rawValue([]byte(text), path); string(got) != string(want) {
			t.Fatalf("%s of %q is %q, want %q", name, text, got, want)
		}
	})
}

// TestAggregateParts counts a file that is read in parts as one that is not.
func TestAggregateParts(t *testing.T) {
	x := open(t, t.TempDir(), Options{})
	const n = splitRows + 1000
	var docs []pipeline.Delivery
	for i := range n {
		at := now.Add(-time.Duration(i) * time.Second)
		docs = append(docs, pipeline.Delivery{ID: fmt.Sprint(i), Kind: "ssf.set", Payload: fmt.Appendf(nil,
			`{"@timestamp":%q,"event":{"created":%q,"sequence":%d,"severity":%d},"user":{"name":"u%d"}}`, at.Format(time.RFC3339), now.Format(time.RFC3339), i, i%100, i%7)})
	}
	put(t, x, docs...)
	hour, _ := query.ParseInterval("1h")
	a := query.Aggregation{By: []string{"user.name"}, Every: hour}
	for _, text := range []string{"count", "distinct:event.severity", "min:event.sequence", "max:event.sequence", "p50:event.severity"} {
		m, err := query.ParseMetric(text)
		if err != nil {
			t.Fatal(err)
		}
		a.Metrics = append(a.Metrics, m)
	}
	b, err := x.Aggregate(t.Context(), query.Query{}, a)
	if err != nil || b.Total != n || b.Found != 7 || len(b.Groups) != 7 || b.Partial != "" {
		t.Fatalf("%d documents in %d groups, %q, %v", b.Total, b.Found, b.Partial, err)
	}
	g := b.Groups[0]
	if g.Keys[0].Text() != "u0" || g.Count != 3000 || len(g.Cells) != 7 {
		t.Errorf("the first group is %s with %d in %d hours", g.Keys[0].Text(), g.Count, len(g.Cells))
	}
	want := []float64{3000, 100, 0, 20993, 49.5}
	sum := 0
	for i, v := range g.Values {
		if v.Value != want[i] {
			t.Errorf("%s is %v, want %v", a.Metrics[i], v.Value, want[i])
		}
	}
	for _, c := range g.Cells {
		sum += c.Count
	}
	if sum != g.Count {
		t.Errorf("hours add up to %d of %d", sum, g.Count)
	}
}

// TestAggregateBounds checks that what is left out is said.
func TestAggregateBounds(t *testing.T) {
	x := open(t, t.TempDir(), Options{MaxScan: 2})
	put(t, x, doc("a", 0), doc("b", 0), doc("c", 1))
	b, err := x.Aggregate(t.Context(), query.Query{}, query.Aggregation{})
	if err != nil || b.Total != 2 || !strings.Contains(b.Partial, "2 documents") {
		t.Errorf("over the scan limit: %d, %q, %v", b.Total, b.Partial, err)
	}

	x = open(t, t.TempDir(), Options{})
	rules, related := make([]string, 40), make([]string, 40)
	for i := range rules {
		rules[i], related[i] = fmt.Sprint("r", i), fmt.Sprint("u", i)
	}
	wide, _ := json.Marshal(map[string]any{"@timestamp": now, "event": map[string]any{"created": now}, "policy": map[string]any{"rules": rules}, "related": map[string]any{"user": related}})
	put(t, x, pipeline.Delivery{ID: "wide", Kind: "ssf.set", Payload: wide}, doc("a", 0))
	b, err = x.Aggregate(t.Context(), query.Query{}, query.Aggregation{By: []string{"policy.rules", "related.user"}})
	if err != nil || b.Total != 2 || b.Found != 1 || !strings.Contains(b.Partial, "more than 1000 groups") {
		t.Errorf("a document in too many groups: %d, %d, %q, %v", b.Total, b.Found, b.Partial, err)
	}

	var list []pipeline.Delivery
	for i := range 3 {
		d := doc(fmt.Sprint(i), 0)
		d.Payload = []byte(strings.Replace(string(d.Payload), "T12:00:00Z", fmt.Sprintf("T0%d:00:00Z", i), 1))
		list = append(list, d)
	}
	put(t, x, list...)
	second, _ := query.ParseInterval("1s")
	if b, err := x.Aggregate(t.Context(), query.Query{}, query.Aggregation{Every: second}); err != nil || len(b.Groups[0].Cells) != 4 {
		t.Errorf("sparse intervals: %+v, %v", b, err)
	}
}
