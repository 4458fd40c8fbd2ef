package config

import (
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Config is a configuration file, decoded and checked. It holds values only;
// nothing is open yet. When Load reported errors, what is here is what could be
// built: good enough for further checks, not for running.
type Config struct {
	File string // as given to Load
	Dir  string // folder of the file; relative paths in the Config are already joined to it
	Text []byte // the file with secrets masked, for showing lines of it

	Listen  string // address of the shared listener: push endpoints, JWKS, health
	DataDir string // journal, state, own keys, api socket
	Node    string // service.node.name; "" means the host's name

	Issuers  []Issuer
	Sources  []Source
	Sinks    []Sink
	Indexes  []Sink
	Relays   []Sink // what hands accepted tokens on
	Notify   []Notify
	Actions  map[string]*Action // shipped types with the file's changes, and the file's own
	Policies Policies
	Mappings Mappings
	Protect  []Protect
	Guards   Guards
	Journal  Journal
	SeenFor  time.Duration // how long a token is remembered, for telling repeats
	Limits   Limits
	Metrics  Metrics
	TLS      TLS
	Traces   *Traces // nil: nothing is traced

	Quarantine Quarantine
}

// Issuer is who may speak, and how it is checked.
type Issuer struct {
	URL             string
	JWKS            string        // URL of the key set; "" if JWKSFile is set
	JWKSFile        string        // path of a key set
	CAFile          string        // PEM certificates trusted at JWKS instead of the system's
	AllowPrivate    bool          // JWKS may lead outside the public internet: it says the address itself, or the file permits it
	Audience        []string      // our names at this issuer; one of them must be in aud
	Rules           string        // rule set, one of set.RuleSets
	Algorithms      []string      // signature algorithms accepted
	MinRSABits      int           // smallest RSA key accepted
	MaxSkew         time.Duration // how far iat may lie ahead of our clock
	CriticalMembers []string      // further subject members that must be understood
	Formats         []string      // further subject formats agreed with the issuer
	CredentialTypes []string      // further credential types agreed with the issuer
	MaxAge          time.Duration // an older event is marked stale; 0 is never
	Remit           Remit
	Place           diag.Place
}

// Remit is what the signals of an issuer may cause. Its zero value is nothing:
// they are recorded and indexed only.
type Remit struct {
	Events   []string // event names, globs over them, family:*, or *
	Subjects []string // subject patterns
	Actions  []string // action types, or *
	Links    string   // "none", or "own-subjects": may teach which identifiers belong together
}

// Source is a configured source.
type Source struct {
	Kind, Name string
	Config     kind.SourceConfig
	Issuers    []string // issuers it may carry; empty is any configured one
	Mapped     []Mapped // mappings that read what it brings
	Remit      Remit    // of records that a mapping reads
	MaxAge     time.Duration
	Place      diag.Place
}

// Mapped is a mapping that a source names.
type Mapped struct {
	Name  string
	Place diag.Place
}

// Mappings is where mappings come from.
type Mappings struct {
	Dir     string // folder of own mappings, "" if there are none
	Shipped bool   // use those built into the program, too
	Place   diag.Place
}

// Sink is a configured sink or index.
type Sink struct {
	Kind, Name string
	Config     kind.SinkConfig
	Authority  bool // our word is the change: facts may be stated to it that no call brought about
	Place      diag.Place
}

// Action is a declared action type.
type Action struct {
	Name         string
	Shipped      bool          // declared by the product, perhaps changed by the file
	Dos          []Do          // calls, one after the other
	Emits        []Emit        // in order; neither calls nor emits: the action is recorded only
	Says         *Body         // body of a call that has none of its own; nil is none
	Merge        time.Duration // equal actions within it become one; 0 is no merging
	ValidFor     time.Duration // what could not be handed over in time is not sent
	ReversibleBy string        // action type that takes it back, "" if none does
	Place        diag.Place    // in the file; zero if it does not mention the action
}

// Routed reports whether the action goes to any sink.
func (a *Action) Routed() bool {
	return len(a.Dos) > 0 || slices.ContainsFunc(a.Emits, func(e Emit) bool { return len(e.To) > 0 })
}

// Emit is a Security Event Token an action sends.
type Emit struct {
	Event *event.Type
	To    []string // sink names
	After int      // how many of the calls come before it
	Body  *Body    // payload of the event
}

// Policies is where rules come from and how far each may go.
type Policies struct {
	Dir     string // folder of own rules, "" if there are none
	Shipped bool   // use the pack built into the program, too
	Rules   []Rule
}

// Rule is what the file says about one rule.
type Rule struct {
	Name    string
	Enabled bool
	Mode    pipeline.Mode  // "" leaves the rule's own; can only lower it
	Limit   pipeline.Limit // zero leaves the rule's own
	Place   diag.Place
}

// Protect keeps subjects from being acted on.
type Protect struct {
	Subjects []string // subject patterns
	Reason   string   // given with every action held back
	Place    diag.Place
}

// Guards bounds what all rules together may do.
type Guards struct {
	Limit    pipeline.Limit // over it, actions wait for approval
	MaxDepth int            // equal actions for one subject within one transaction; then it is a loop
}

// Journal is the budget of the journal.
type Journal struct {
	Keep    time.Duration // age at which a record is removed
	MaxSize int64         // bytes; full means that intake stops
	MinFree int64         // bytes left on the disk at which intake stops
}

// Limits bounds messages, the work in hand and connections.
type Limits struct {
	MaxBytes   int // length of a token
	MaxBatch   int // messages handled in one transaction
	MaxPending int // actions that may wait for one sink; further ones are held
	MaxWaiting int // actions that may wait for a person; further ones are given up

	MaxConnections           int // open at a time, of each listener; further ones are refused
	MaxConnectionsPerAddress int // of them from one IPv4 address or one IPv6 /64
}

// Quarantine bounds what is kept of refused messages of authenticated senders.
type Quarantine struct {
	MaxEntries int   // messages of one source
	MaxBytes   int64 // of all messages
}

// Metrics is where figures are served.
type Metrics struct {
	Listen string // address for /metrics; "" serves none
}

// TLS is what the shared listener shows; the zero value is plain HTTP.
type TLS struct {
	CertFile   string // PEM, with the chain; read again when it changes
	KeyFile    string // PEM
	SelfSigned bool   // a pair made in data_dir, for trying out
}

// Traces is where spans are sent.
type Traces struct {
	Endpoint      string          // base URL of an OTLP/HTTP collector
	Sample        float64         // share of batches that are traced
	Authorization pipeline.Secret // "" sends none
}
