// Package doctor interrogates a transmitter of the Shared Signals Framework and
// says in plain words what deviates from SSF 1.0 and from the CAEP
// interoperability profile, and what that means for a receiver: discovery, TLS,
// keys, access, streams, vocabulary and a verification round trip.
//
// It changes nothing at the transmitter but for the round trip, which makes a
// stream that is polled, and deletes it. It takes no token of another stream, so
// it can run beside a receiver.
package doctor

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
)

// State is how grave a finding is.
type State string

// The states.
const (
	OK      State = "ok"
	Note    State = "note"    // worth knowing
	Warning State = "warning" // a deviation one can live with
	Fault   State = "fault"   // signals do not come through, or cannot be trusted
	Skipped State = "skipped" // could not be looked at
)

// Finding is what one check found.
type Finding struct {
	Check       string `json:"check"` // discovery, tls, keys, access, streams, vocabulary, verification
	State       State  `json:"state"`
	Says        string `json:"says"`                  // one sentence
	Do          string `json:"do,omitempty"`          // what to do
	Requirement string `json:"requirement,omitempty"` // id of the rule, such as SSF-RX-03
}

// Report is what was found.
type Report struct {
	Transmitter string    `json:"transmitter"`
	OK          bool      `json:"ok"` // no fault
	Findings    []Finding `json:"findings"`
}

// Options says whom to examine, and how.
type Options struct {
	Client *client.Client
	// HTTP fetches what needs no credentials: metadata and key set.
	HTTP        *http.Client
	Issuer      string
	Credentials bool          // the client has some
	RoundTrip   bool          // a stream may be made for it
	Wait        time.Duration // how long the verification event may take; 0: 30 s
	Now         func() time.Time
}

// examination is one run.
type examination struct {
	Options
	report Report
	meta   *client.Metadata
	keys   []byte // the key set as fetched
}

// Examine looks at everything it can reach. The context bounds it.
func Examine(ctx context.Context, o Options) Report {
	if o.Wait <= 0 {
		o.Wait = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &examination{Options: o, report: Report{Transmitter: o.Issuer, Findings: []Finding{}}}
	if e.discovery(ctx) {
		e.keySet(ctx)
		if e.access(ctx) {
			e.streams(ctx)
			e.roundTrip(ctx)
		}
		e.clock()
	}
	e.report.OK = !slices.ContainsFunc(e.report.Findings, func(f Finding) bool { return f.State == Fault })
	return e.report
}

func (e *examination) add(f Finding) { e.report.Findings = append(e.report.Findings, f) }

// say adds a finding in short.
func (e *examination) say(check string, state State, requirement, do, format string, args ...any) {
	e.add(Finding{Check: check, State: state, Requirement: requirement, Do: do, Says: fmt.Sprintf(format, args...)})
}
