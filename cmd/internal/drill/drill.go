// Package drill sends a test signal through the line of a running product and
// tells what each station made of it.
//
// The signal is a token like any other: signed, verified by the product's
// verifier, decided by its engine, committed by its store, signed again with its
// own key, handed over by its dispatcher, rendered into its indexes and found by
// its searcher. What is set apart is whom it concerns, so that nobody is touched
// by it:
//
//   - its issuer is urn:signalbox:drill, whose key is made when the process
//     starts, never leaves it and ends with it; no configuration can name it
//   - its event is a stream verification (SSF 1.0 section 8.1.4), which changes no
//     state, about an opaque subject of the drill's own
//   - one rule answers it, which is offered nothing else; the operator's rules are
//     not asked about it
//   - the action goes to a sink that exists within the process and for the time of
//     the drill; no receiver is called
//   - all documents carry the tag test, figures of real signals do not count it,
//     limits are not used up and nothing of it waits for people
//
// It does not test the network: neither the way of a transmitter to the push
// endpoint nor the one to a receiver.
package drill

import (
	"embed"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/set"
	"github.com/signalbox-dev/signalbox/policies"
)

// The names of the drill. A colon keeps them apart from all that a
// configuration may name; Issuer is refused there.
const (
	Issuer = set.ReservedIssuers + "drill"
	Name   = "signalbox:drill" // of the source, the action type and the sink

	eventName = "verification"
	subject   = "signalbox-drill"
)

//go:embed rules
var ruleFiles embed.FS

// Drill is what a product keeps for its drills. It is safe for concurrent use.
type Drill struct {
	signer *jose.Signer
	keys   jose.KeySet
	rules  *policies.Set

	mu    sync.Mutex // one drill at a time
	began time.Time  // the last one
}

// New makes the issuer's key and compiles the rule.
func New() (*Drill, error) {
	d := &Drill{}
	var err error
	if d.signer, err = jose.GenerateSigner(jose.DefaultSigning); err != nil {
		return nil, fmt.Errorf("drill: %w", err)
	}
	if d.keys, err = jose.Static(d.signer.JWKS()); err != nil {
		return nil, fmt.Errorf("drill: %w", err)
	}
	files, err := fs.Sub(ruleFiles, "rules")
	if err != nil {
		return nil, fmt.Errorf("drill: %w", err)
	}
	rules, problems := policies.Load(files, policies.Options{Bare: true, ActionTypes: []string{Name}})
	if rules == nil {
		return nil, fmt.Errorf("drill: its rule does not compile: %v", problems)
	}
	d.rules = rules
	return d, nil
}

// Speaker is the drill as an issuer, for the verifier.
func (d *Drill) Speaker() set.Issuer {
	return set.Issuer{URL: Issuer, Keys: d.keys, Audience: []string{Issuer}, Rules: "ssf"}
}

// Join adds to the settings of a line what a drill needs.
func (d *Drill) Join(s *pipeline.Settings) {
	s.Decider = decider{live: s.Decider, drill: d.rules}
	s.Remits[Issuer] = pipeline.Remit{Events: []string{eventName}, Subjects: []string{"opaque:" + subject}, Actions: []string{Name}}
	s.Actions[Name] = pipeline.ActionType{
		Name: Name, ValidFor: time.Minute,
		Emits: []pipeline.Emit{{Event: eventName, To: []string{Name}, Body: func(pipeline.ActionVars) ([]byte, error) {
			return []byte(`{}`), nil
		}}},
	}
}

// ours reports whether an event is the drill's. Nobody else can have signed it.
func ours(e *event.Event) bool { return e.Issuer == Issuer && e.Assurance == event.Signed }
