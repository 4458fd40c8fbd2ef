// Package kind says what a kind of connector is: a configuration struct that
// knows its own rules and opens itself.
//
// The life of a connector has three steps. The configuration decodes the body
// of a block into the kind's struct by its hcl tags; Validate reports every
// problem by field name; Open makes the connector. The first two touch no
// network and no disk, so a configuration can be checked anywhere.
//
// Connectors import this package; the tables of package connectors, which
// import every connector, list them.
package kind

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// SourceConfig is the configuration of a source of one kind.
type SourceConfig interface {
	// Validate reports every problem, nil if there is none.
	Validate() []FieldError

	// Open makes the source of a configuration that Validate found no fault
	// in. It may touch the disk; the network waits for Run.
	Open(env Env) (pipeline.Source, error)
}

// SinkConfig is the configuration of a sink of one kind. An index is a sink
// whose Open returns something that is also a query.Searcher. A sink that is an
// io.Closer is closed once, after its last delivery.
type SinkConfig interface {
	// Validate reports every problem, nil if there is none.
	Validate() []FieldError

	// Open makes the sink of a configuration that Validate found no fault in.
	Open(env Env) (pipeline.Sink, error)
}

// Caller is the configuration of a sink that carries out orders with a Request:
// an action may call it with do.
type Caller interface {
	// Calls does nothing; it marks the kind.
	Calls()
}

// Stater is the configuration of a sink that states events in tokens of our own.
type Stater interface {
	// SigningIssuer is the issuer of the tokens.
	SigningIssuer() string
}

// Taker is the configuration of a sink that states some events only, in a dialect
// of its own.
type Taker interface {
	// Takes lists the events by name.
	Takes() []string
}

// Readier is a source that can tell whether it takes signals already, or a sink
// that can tell whether it answers its receivers. One that cannot is taken to be
// ready once Run was called.
type Readier interface {
	// Ready is safe for concurrent use with Run.
	Ready() bool
}

// Explainer is a Readier that can say why it is not ready.
type Explainer interface {
	// Why is what keeps it from that, for operators: what was
	// tried last, and what to do. "" while it is ready or nothing is known. Safe
	// for concurrent use with Run.
	Why() string
}

// FieldError is a problem of one field. The configuration finds its place in
// the text.
type FieldError struct {
	Field   string // path of the attribute or block, e.g. push.authorization; "" is the block itself
	Summary string // what is wrong, a short phrase
	Detail  string // what to do, full sentences
}

// Error implements error.
func (e FieldError) Error() string {
	if e.Field == "" {
		return e.Summary + ": " + e.Detail
	}
	return e.Field + ": " + e.Summary + ": " + e.Detail
}

// Env is what the running product lends to a connector. Its zero value serves
// kinds that need none of it.
type Env struct {
	Name    string           // name label of the block, unique per role
	Dir     string           // folder of the configuration; relative paths start there, "" is the working directory
	DataDir string           // directory the connector may keep files in
	Log     *slog.Logger     // already carries the connector's name; nil discards
	Now     func() time.Time // nil is time.Now
	Batch   int              // most messages the handler takes at once; 0 is no bound

	// Mount serves h on the shared listener for a net/http pattern without a
	// method, such as "/push". It is called during Open only. A source answers
	// 503 there while it does not run.
	Mount func(pattern string, h http.Handler) error

	// Closing is closed when the shared listener takes no more requests and waits
	// for those under way: who holds one back answers it. nil never is.
	Closing <-chan struct{}

	// Keys tells how the key set of an issuer stands. It may be called at any time;
	// nil tells nothing.
	Keys func(issuer string) KeyHealth

	// Signer gives the product's own key for an algorithm, such as ES256.
	Signer func(algorithm string) (Signer, error)
}

// Signer makes signed Security Event Tokens. Safe for concurrent use.
type Signer interface {
	// Sign returns the compact token of claims as JSON.
	Sign(payload []byte) ([]byte, error)
}

// Path makes a configured path absolute as far as the environment can.
func (e Env) Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(e.Dir, name)
}

// Messages is how many messages a source hands over at once: most, or fewer if
// the handler does not take so many.
func (e Env) Messages(most int) int {
	if e.Batch > 0 {
		return min(e.Batch, most)
	}
	return most
}

// Logger returns the logger, one that discards if none was given.
func (e Env) Logger() *slog.Logger {
	if e.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return e.Log
}

// KeyHealth is how the key set of an issuer stands, as far as it is known.
func (e Env) KeyHealth(issuer string) KeyHealth {
	if e.Keys == nil {
		return KeyHealth{}
	}
	return e.Keys(issuer)
}

// Clock returns the clock, the real one if none was given.
func (e Env) Clock() func() time.Time {
	if e.Now == nil {
		return time.Now
	}
	return e.Now
}
