// Package pipeline is the product's line: what flows along it, and the step
// that turns messages into durable outcomes.
//
//	connectors -> verify -> normalize -> decide -> commit -> deliver
//
// A message is acknowledged when its outcome is durable and not before; that
// promise is kept by Pipeline.Handle, which puts everything a message causes
// into one store transaction. Everything later is delivery, retried, of a
// decision already made. The journal written there is the truth; index
// documents, explanations and exports are views of it.
//
// The package declares the interfaces its neighbours implement. It knows no
// protocol, no policy language and no storage engine.
package pipeline

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Message is raw bytes as read, with what the channel knows about them.
type Message struct {
	Source      string    // name of the configured source
	Body        []byte    // compact SET or JSON text, as received
	ContentType string    // application/secevent+jwt, application/json
	Received    time.Time // when the product first saw it
	Sender      string    // authenticated sender, "" if none
	Delivery    string    // push, poll, kafka, file or internal
	RemoteAddr  string    // IP address of the peer, "" if none
	Position    string    // where it stands in its source, for humans: file:line, topic/partition@offset
	Made        time.Time // when the channel says the message was made, zero if it does not

	// JTI is the name under which the channel brought a token, "" if it gave
	// none: a token that calls itself otherwise is refused (POLL-19).
	JTI string

	// Mapping names the mapping that reads the body; then the channel vouches
	// for it, not a signature. "" means that the body is a token.
	Mapping string
	// Progress is the message's place in a channel that is read by position, nil
	// for channels that acknowledge each message.
	Progress *Progress

	// Key and Headers are what the channel brought beside the body, and Txn the
	// transaction it says the message belongs to. Nothing vouches for them: Txn
	// is the transaction of the events of a mapping, a token states its own; Key
	// and Headers are kept with a refused message only.
	Key     []byte
	Headers []Header
	Txn     string

	// Test marks a drill of the product's own: its documents carry the tag test,
	// its action is in nobody's limits and nothing of it waits for people. No
	// source sets it.
	Test bool

	sum [sha256.Size]byte // of Body, once digest was asked for
}

// digest identifies the bytes of the body, which are read at the first call
// alone; copies of the message know it from then on.
func (m *Message) digest() [sha256.Size]byte {
	if m.sum == ([sha256.Size]byte{}) {
		m.sum = sha256.Sum256(m.Body)
	}
	return m.sum
}

// Header is a name and a value that a channel brought beside a message's body.
type Header struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

// Progress is a place in a channel that is read in order, such as a partition
// of a topic. What was brought to its durable outcome is remembered in the same
// transaction, so no mark per message is needed: a message at a place that is
// done is a repeat.
type Progress struct {
	Partition string // unique in the source and never used for another log: topic, its id, and partition
	From      int64  // first position the message stands for; positions that hold none belong to the next that does
	Offset    int64  // its own position, not before From
}

// Resumer is a Handler that remembers how far the partitions of sources were
// brought.
type Resumer interface {
	// Resume returns the position of the partition before which everything is
	// done: start for one that was never seen. It is called before the first
	// message of the partition is handed over.
	Resume(ctx context.Context, source, partition string, start int64) (next int64, err error)
}

// Verdict is what became of a message.
type Verdict string

// The verdicts.
const (
	Accepted  Verdict = "accepted"
	Repeated  Verdict = "repeated"  // seen before, same bytes
	Reused    Verdict = "reused"    // same issuer and jti, other bytes: recorded, never run
	Rejected  Verdict = "rejected"  // failed verification
	Discarded Verdict = "discarded" // valid, but must not be processed (SUB-26)
)

// Receipt tells a source the durable outcome of one message. A source
// acknowledges every receipt without Reject and Retry, repeats included
// (PUSH-09).
type Receipt struct {
	Verdict Verdict
	ID      string       // input id, "" for strangers' rejects
	Seq     uint64       // journal position, 0 when nothing was recorded
	Reject  *RejectError // why it was refused
	Retry   error        // not nil: nothing was done with this message, offer it again
}

// Source reads messages.
type Source interface {
	// Run reads until ctx ends and returns nil then; any other return is a
	// fault that the supervisor retries with back-off. It acknowledges upstream
	// only after Handle returned nil for the message. Run owns its goroutines
	// and has ended them when it returns. It is called once at a time.
	Run(ctx context.Context, h Handler) error
}

// Handler takes messages to their durable outcome.
type Handler interface {
	// Handle returns one receipt per message, in order. Blocking is the
	// back-pressure. An error means that none is known to be committed and the
	// caller must offer the same messages again, of which some may then be
	// repeated; *BusyError says when. Handle is safe for concurrent use; it does
	// not keep the slice.
	Handle(ctx context.Context, msgs []Message) ([]Receipt, error)
}

// HandlerFunc makes a function a Handler.
type HandlerFunc func(context.Context, []Message) ([]Receipt, error)

// Handle implements Handler.
func (f HandlerFunc) Handle(ctx context.Context, msgs []Message) ([]Receipt, error) {
	return f(ctx, msgs)
}

// Signal is a message whose sender and form were verified.
type Signal struct {
	Message   Message
	InputID   string // "i-" and 26 characters; H(iss, jti) for SETs
	Assurance event.Assurance
	Issuer    string
	JTI       string
	Txn       string // "" when the input had none
	Alg       string
	KeyID     string
	Typ       string
	Key       SignalKey // the signature was verified with; zero unless signed
	Audience  []string
	IssuedAt  time.Time
	TimeOf    time.Time     // toe, zero if absent
	Dialect   string        // rule set it was read by: ssf, interop, scim, okta, legacy
	Applied   []string      // tolerance workarounds used, sorted
	Discard   string        // reason to acknowledge and drop, "" normally
	Subject   event.Subject // of every statement that names none itself
	Events    []Statement   // one per member of the events claim, in the order of the text

	// Record is what a message with a mapping holds; it has no Events yet.
	Record strictjson.Value
}

// SignalKey is a public key of an issuer.
type SignalKey struct {
	Thumbprint string // RFC 7638, SHA-256
	JWK        []byte // not to be modified
}

// Verifier authenticates a message and decodes it.
type Verifier interface {
	// Verify fails closed. A *RejectError is final for these bytes under this
	// configuration; any other error means that verification could not be done
	// now (keys out of reach) and the message is offered again. Safe for
	// concurrent use.
	Verify(ctx context.Context, m Message) (Signal, error)
}

// Normalizer turns a verified signal into events.
type Normalizer interface {
	// Normalize is pure: the same signal gives the same events with the same
	// ids. No event at all means that nothing knew the message; it is recorded
	// whole with the reason in err, which must be a *RejectError with code
	// "unmapped", or as an event of type unknown.
	Normalize(ctx context.Context, s Signal) ([]event.Event, error)
}

// Delivery is one thing to hand to a sink.
type Delivery struct {
	ID      string // idempotency key: deliveries with equal ids are the same thing
	Key     string // order is kept per key for actions; "" for documents
	Kind    string // "action" or a document's data stream, e.g. ssf.set
	Payload []byte // what Prepare returned, or the document as JSON
	Attempt int    // 1 on the first try

	// Of actions and tokens, for protocols that carry such beside the payload.
	Event string // catalogue short name of the event it states
	JTI   string // of its token
	Txn   string
	Chain string // input id of the root cause
}

// Result is what a sink reports of one delivery.
type Result struct {
	Err   error         // nil: taken. *FinalError: never will be. Else: try again
	After time.Duration // wait at least this long before the next try, 0 = back-off decides
	Info  string        // short note for the journal: "202", "409 already there"
}

// Sink takes deliveries to the outside.
type Sink interface {
	// Deliver returns one result per delivery, in order; an error means that
	// none of them is known to have arrived. It must be idempotent on
	// Delivery.ID as far as its protocol permits. Deliveries of one key never
	// overlap and come in order; different keys may be delivered concurrently.
	Deliver(ctx context.Context, batch []Delivery) ([]Result, error)
}

// Preparer is a sink that must make the bytes once, before the first try, such
// as signing a token. What it returns is stored before Deliver sees it, and
// every retry sends the same bytes.
type Preparer interface {
	// Prepare makes the bytes. A *FinalError means that it never can; after any
	// other error it is asked again.
	Prepare(ctx context.Context, o Order) ([]byte, error)
}

// Statement is one member of a SET's events claim.
type Statement struct {
	URI  string
	Type *event.Type // catalogue entry for the URI under the signal's dialect
	Body strictjson.Value
	Time time.Time // event_timestamp, zero if absent

	// Subject is whom the statement is about when it says so itself (OKTA-04);
	// zero: the signal's subject.
	Subject event.Subject
	// Alternative marks a further name of an event that another statement of the
	// signal states (SET-13): it makes no event of its own.
	Alternative bool
}

// Order is an action as a sink must carry it out.
type Order struct {
	ActionID string
	Rule     string
	Type     string // action type
	Event    string // catalogue short name to emit
	Subject  event.Subject
	Body     []byte // event payload, a JSON object
	Txn      string
	Chain    string // input id of the root cause
	Made     time.Time
	Expires  time.Time // zero: never
	Stream   string    // sink name

	// Request is what a step that calls wants done; nil for one that emits. A
	// sink of a kind that makes no calls takes orders without a request only.
	Request *Request
}

// Request is a call of an actuator or notifier, made once of an action's
// templates: every try asks the same. It names no host. Which one is asked, with
// which credentials, is the sink's configuration and never an action's.
type Request struct {
	// Method is an HTTP method in capitals; "" means the sink's own.
	Method string `json:"method,omitempty"`
	// Path is appended to the sink's URL, with a slash between if neither has
	// one; "" is the URL itself. It is escaped already (RFC 3986 section 3.3),
	// values filled in included, and may end in a query after "?". The sink
	// refuses for good what would leave its URL: dot segments, a host, a
	// fragment.
	Path string `json:"path,omitempty"`
	// Body is sent as it stands; nil sends none.
	Body []byte `json:"body,omitempty"`
}
