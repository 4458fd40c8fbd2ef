package pipeline

import (
	"testing"
	"time"
)

func TestSpanRef(t *testing.T) {
	r := NewSpanRef()
	if got := parseSpanRef(r.String()); got != r {
		t.Errorf("%v became %v", r, got)
	}
	for _, bad := range []string{"", "x", r.String() + "0", "zz" + r.String()[2:], r.String()[:33] + "zzzzzzzzzzzzzzzz"} {
		if got := parseSpanRef(bad); bad != "" && got != (SpanRef{}) && got != r {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

func TestLinks(t *testing.T) {
	var l links
	same := NewSpanRef().String()
	l.add("")
	l.add("nonsense")
	l.add(same)
	l.add(same)
	for range 200 {
		l.add(NewSpanRef().String())
	}
	if len(l.refs) != maxLinks || l.dropped != 201-maxLinks {
		t.Errorf("%d links, %d dropped", len(l.refs), l.dropped)
	}
}

// BenchmarkTraceOff is all that a batch pays where nothing is traced.
func BenchmarkTraceOff(b *testing.B) {
	p := &Pipeline{}
	bt := &batch{p: p}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		bt.trace = p.startTrace()
		bt.station("verify", now, now)
		bt.station("decide", now, now)
		bt.station("commit", now, now)
		_ = bt.trace.String()
		bt.endTrace(now, nil)
	}
}
