package pipeline

import (
	"context"
	"time"
)

// Observer is told what passes each station. Methods are called on the hot path
// from many goroutines: they count and return.
type Observer interface {
	// Took reports how long a station needed for n things: verify, decide,
	// commit, deliver, render, index; and normalize, which is part of verify, to
	// an observer of WithObserver.
	Took(station string, n int, d time.Duration)
	// Message counts the verdict on a message; code is the RFC 8935 code of a
	// reject, else "".
	Message(source string, v Verdict, code string)
	// Event counts a normalized event and the result of its decision.
	Event(typ, result string)
	// Noted counts what was remarkable in a record that a mapping read: its kind,
	// and the enum, member or field of the mapping's text. Kind unmapped: the
	// mapping does not know the record.
	Noted(mapping, kind, name string)
	// RuleFailed counts a rule's error.
	RuleFailed(rule string)
	// Action counts an action reaching a status; guard names what held it.
	Action(typ, target string, s Status, guard string)
	// Quarantine counts messages of a source that entered the quarantine
	// ("entered"), and that left it for want of room ("dropped").
	Quarantine(source, what string, n int)
	// Acked reports the time from the receipt of a signal to the
	// acknowledgement of an action it caused.
	Acked(target string, d time.Duration)
	// Notice counts what became of telling people something: sent, failed (and
	// tried again) or refused (and given up).
	Notice(notifier string, kind NoticeKind, outcome string)
}

type observerKey struct{}

// WithObserver has o told of what is handled and delivered under the context
// instead of the pipeline's own observer: a drill is timed by it, and stays out
// of the figures of real signals. Loops that serve everybody, such as those of
// indexes, are not to be run under it.
func WithObserver(ctx context.Context, o Observer) context.Context {
	return context.WithValue(ctx, observerKey{}, o)
}

// observer is who is told of what happens under the context, and whether that
// is another than the pipeline's own.
func (p *Pipeline) observer(ctx context.Context) (_ Observer, watched bool) {
	if o, ok := ctx.Value(observerKey{}).(Observer); ok {
		return o, true
	}
	return p.obs, false
}

// Blind is an Observer that sees nothing.
type Blind struct{}

// Took implements Observer.
func (Blind) Took(string, int, time.Duration) {}

// Message implements Observer.
func (Blind) Message(string, Verdict, string) {}

// Event implements Observer.
func (Blind) Event(string, string) {}

// Noted implements Observer.
func (Blind) Noted(string, string, string) {}

// RuleFailed implements Observer.
func (Blind) RuleFailed(string) {}

// Action implements Observer.
func (Blind) Action(string, string, Status, string) {}

// Quarantine implements Observer.
func (Blind) Quarantine(string, string, int) {}

// Acked implements Observer.
func (Blind) Acked(string, time.Duration) {}

// Notice implements Observer.
func (Blind) Notice(string, NoticeKind, string) {}

var _ Observer = Blind{}
