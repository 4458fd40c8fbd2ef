package query

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseInterval(t *testing.T) {
	for text, start := range map[string]string{
		"30s": "2026-02-04T10:15:00Z", "5m": "2026-02-04T10:15:00Z", "1h": "2026-02-04T10:00:00Z", "1d": "2026-02-04T00:00:00Z",
		"1w": "2026-02-02T00:00:00Z", // a Monday
	} {
		i, err := ParseInterval(text)
		if err != nil || i.String() != text {
			t.Errorf("%s gives %s, %v", text, i, err)
			continue
		}
		at := time.Date(2026, 2, 4, 10, 15, 29, 5e6, time.UTC)
		if got := time.UnixMilli(i.Start(at.UnixMilli())).UTC().Format(time.RFC3339); got != start {
			t.Errorf("the interval of %s begins %s, want %s", text, got, start)
		}
		before := time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC).UnixMilli()
		if s := i.Start(before); s > before || before-s >= i.Length().Milliseconds() || i.Start(s) != s {
			t.Errorf("%s before 1970 begins at %d", text, s)
		}
	}
	for _, text := range []string{"", "h", "0h", "1", "1y", "-1h", "1.5h", "99999999999w", "999999w", "1 h"} {
		if i, err := ParseInterval(text); err == nil {
			t.Errorf("%q is taken for %s", text, i)
		}
	}
}

func TestParseMetric(t *testing.T) {
	for _, text := range []string{"count", "distinct:source.ip", "max:@timestamp", "min:event.severity", "p95:ssf.latency_ms", "count WHERE action.final:true"} {
		m, err := ParseMetric(text)
		if err != nil || m.String() != text {
			t.Errorf("%q gives %q, %v", text, m, err)
		}
	}
	for text, says := range map[string]string{
		"":                       "unknown metric",
		"sum:event.severity":     "use count",
		"count:user.name":        "distinct:user.name",
		"max":                    "needs a field",
		"max:user.name":          "type keyword and has no max",
		"p95:@timestamp":         "has no p95",
		"p100:ssf.latency_ms":    "unknown metric",
		"p05:ssf.latency_ms":     "unknown metric",
		"distinct:message":       "cannot be measured",
		"distinct:nosuch.field":  "unknown field",
		"count WHERE usr.name:x": "at byte 12",
		"count WHERE (":          "at byte 13",
	} {
		_, err := ParseMetric(text)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q gives %v, want %s", text, err, says)
		}
	}
}

func TestNormalizeAggregation(t *testing.T) {
	now := time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)
	second, _ := ParseInterval("1s")
	a, err := Aggregation{}.Normalize()
	if err != nil || a.Size != DefaultGroups || a.Now.IsZero() {
		t.Errorf("defaults are %+v, %v", a, err)
	}
	for name, a := range map[string]Aggregation{
		"size":     {Size: MaxGroups + 1},
		"field":    {By: []string{"nosuch"}},
		"text":     {By: []string{"message"}},
		"twice":    {By: []string{"user.name", "user.name"}},
		"fields":   {By: []string{"user.name", "user.id", "user.email", "host.id", "host.name", "user.domain"}},
		"metric":   {Metrics: []Metric{{Func: "sum"}}},
		"metrics":  {Metrics: make([]Metric, MaxMetrics+1)},
		"times":    {From: now, To: now.Add(-1)},
		"cursor":   {By: []string{"user.name"}, ByKey: true, After: "x"},
		"by count": {By: []string{"user.name"}, After: Aggregation{By: []string{"user.name"}}.Cursor(make([]Key, 1))},
		"too fine": {From: now.AddDate(-1, 0, 0), To: now, Every: second},
	} {
		_, err := a.Normalize()
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func FuzzParseMetric(f *testing.F) {
	f.Add("count WHERE action.final:true")
	f.Add("p95:ssf.latency_ms")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMetric(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset > len(text) {
				t.Fatalf("%q fails with %#v", text, err)
			}
			return
		}
		if again, err := ParseMetric(m.String()); len(m.String()) < MaxLength && (err != nil || again.String() != m.String()) {
			t.Fatalf("%q: %q comes back as %q, %v", text, m, again, err)
		}
	})
}
