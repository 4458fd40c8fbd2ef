package pipeline

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// Tracer takes the spans of the line. Safe for concurrent use; neither method
// blocks.
type Tracer interface {
	// Start begins a trace, or says by a zero SpanRef that this one is not
	// sampled.
	Start() SpanRef
	// End takes a span that is over.
	End(Span)
}

// SpanRef names a span. It is zero where nothing is traced.
type SpanRef struct {
	Trace [16]byte
	Span  [8]byte
}

// NewSpanRef names the first span of a new trace.
func NewSpanRef() (r SpanRef) {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	copy(r.Trace[:], b[:16])
	copy(r.Span[:], b[16:])
	return r
}

// String is how records keep a SpanRef: trace and span id in hexadecimal with a
// dash between them, "" for the zero value.
func (r SpanRef) String() string {
	if r == (SpanRef{}) {
		return ""
	}
	return hex.EncodeToString(r.Trace[:]) + "-" + hex.EncodeToString(r.Span[:])
}

// parseSpanRef reads what String wrote; anything else is zero.
func parseSpanRef(s string) (r SpanRef) {
	if len(s) != 32+1+16 || s[32] != '-' {
		return SpanRef{}
	}
	if _, err := hex.Decode(r.Trace[:], []byte(s[:32])); err != nil {
		return SpanRef{}
	}
	if _, err := hex.Decode(r.Span[:], []byte(s[33:])); err != nil {
		return SpanRef{}
	}
	return r
}

// Span is a piece of work that is over: a batch on the line (handle), a station
// of it (verify, decide, commit) below, or what comes later and stands for itself
// with links to what caused it (deliver, index).
type Span struct {
	Ref        SpanRef
	Parent     [8]byte // zero: none
	Name       string
	Target     string // sink or index
	Start, End time.Time
	Items      int       // messages, deliveries or documents
	Links      []SpanRef // distinct, at most maxLinks
	Dropped    int       // links beyond that
	Failed     bool
}

// maxLinks is how many links a span has at most, as the limits of OpenTelemetry
// have it.
const maxLinks = 128

// startTrace begins a trace of a batch.
func (p *Pipeline) startTrace() SpanRef {
	if p.tracer == nil {
		return SpanRef{}
	}
	return p.tracer.Start()
}

// station ends a span below that of the batch.
func (b *batch) station(name string, start, end time.Time) {
	if b.trace == (SpanRef{}) {
		return
	}
	ref := NewSpanRef()
	ref.Trace = b.trace.Trace
	b.p.tracer.End(Span{Ref: ref, Parent: b.trace.Span, Name: name, Start: start, End: end, Items: len(b.units)})
}

// endTrace ends the span of the batch.
func (b *batch) endTrace(start time.Time, err error) {
	if b.trace != (SpanRef{}) {
		b.p.tracer.End(Span{Ref: b.trace, Name: "handle", Start: start, End: time.Now(), Items: len(b.units), Failed: err != nil})
	}
}

// links gathers what a later span was caused by.
type links struct {
	seen    map[string]bool
	refs    []SpanRef
	dropped int
}

// add takes the trace of a record or an action.
func (l *links) add(trace string) {
	if trace == "" || l.seen[trace] {
		return
	}
	ref := parseSpanRef(trace)
	if ref == (SpanRef{}) {
		return
	}
	if len(l.refs) >= maxLinks {
		l.dropped++
		return
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[trace] = true
	l.refs = append(l.refs, ref)
}

// linked ends a span that stands for itself. One that nothing traced caused is
// not made: the share of what is traced was decided when the messages came.
func (p *Pipeline) linked(name, target string, start time.Time, items int, l links, failed bool) {
	if p.tracer == nil || len(l.refs) == 0 {
		return
	}
	p.tracer.End(Span{
		Ref: NewSpanRef(), Name: name, Target: target, Start: start, End: time.Now(), Items: items,
		Links: l.refs, Dropped: l.dropped, Failed: failed,
	})
}

// traced ends the span of a delivery, linked to what caused its actions.
func (d *dispatcher) traced(start time.Time, loads []load, err error) {
	if d.p.tracer == nil {
		return
	}
	var cause links
	for i := range loads {
		cause.add(loads[i].Action.Trace)
	}
	d.p.linked("deliver", d.name, start, len(loads), cause, err != nil)
}

// traced has a renderer note the traces of the records it renders.
func (l *links) traced(p *Pipeline, render Renderer) Renderer {
	if p.tracer == nil {
		return render
	}
	return func(seq uint64, r *Record) ([]Delivery, error) {
		l.add(r.Trace)
		return render(seq, r)
	}
}
