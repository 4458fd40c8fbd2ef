// Package api is the one administrative interface of a running product: JSON
// over HTTP on a Unix socket in data_dir, whose file mode is the login. Every
// verb of the command line that needs the running product is a client of it.
//
// It answers questions and carries out operators' commands; it takes no
// signals.
package api

import (
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// socketName is the file in data_dir that the interface listens on.
const socketName = "api.sock"

// Socket is the path of the interface of the product with that data_dir.
func Socket(dataDir string) string { return filepath.Join(dataDir, socketName) }

// Status is how the product is.
type Status struct {
	Version  string            `json:"version"`
	Started  time.Time         `json:"started"`
	Ready    bool              `json:"ready"`
	Problems map[string]string `json:"problems,omitempty"` // part -> what is wrong with it
	Stopped  bool              `json:"actions_stopped"`
	Policies string            `json:"policies"` // revision in use
	Listen   string            `json:"listen"`
	Journal  JournalStatus     `json:"journal"`
	Sources  []SourceStatus    `json:"sources"`
	Sinks    []SinkStatus      `json:"sinks"`
	Indexes  []IndexStatus     `json:"indexes"`
}

// SourceStatus tells how a source is.
type SourceStatus struct {
	Name   string `json:"name"`
	Reason string `json:"reason,omitempty"` // why it does not take signals, or its feed is not healthy

	Feed   string    `json:"feed,omitempty"`        // of a source with a stream: healthy, degraded or blind
	Last   time.Time `json:"last_set,omitzero"`     // likewise: when a SET last came
	Keys   time.Time `json:"keys_fetched,omitzero"` // likewise: when the key set of its issuer was last fetched
	Behind *int64    `json:"behind,omitempty"`      // of a source that reads by position: records not done
}

// JournalStatus tells the fill of the journal.
type JournalStatus struct {
	Last     uint64 `json:"last"`
	Bytes    int64  `json:"bytes"`
	MaxBytes int64  `json:"max_bytes,omitempty"`
	DiskFree int64  `json:"disk_free"`
}

// SinkStatus tells what waits for a sink.
type SinkStatus struct {
	Name    string    `json:"name"`
	Pending int       `json:"pending"`
	Oldest  time.Time `json:"oldest,omitzero"`
	Streams int       `json:"streams,omitempty"` // of a sink with receivers: how many; /v1/receivers tells how they stand
}

// IndexStatus tells how far an index is behind.
type IndexStatus struct {
	Name string `json:"name"`
	Lag  uint64 `json:"lag"`
}

// QueryRequest is a search over the index.
type QueryRequest struct {
	Query string
	From  time.Time
	To    time.Time
	Size  int
	After string
	Sort  string // field:asc or field:desc; "" is @timestamp:desc
	// SkipTotal leaves the total at -1: it takes a look at every match.
	SkipTotal bool
}

// QueryAnswer is one page of documents.
type QueryAnswer struct {
	Total   int               `json:"total"` // -1 when not counted
	Next    string            `json:"next,omitempty"`
	Partial string            `json:"partial,omitempty"` // why documents may be missing
	Docs    []json.RawMessage `json:"documents"`
}

// ExplainRequest asks what would become of messages.
type ExplainRequest struct {
	Messages []ExplainMessage `json:"messages"`
}

// ExplainMessage is one message as a source would read it.
type ExplainMessage struct {
	Source      string `json:"source"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
	Position    string `json:"position,omitempty"`
	Mapping     string `json:"mapping,omitempty"` // that reads the body; "": what its source names, else it is a token
}

// JournalAnswer is what the journal holds under an id.
type JournalAnswer struct {
	Records []Explanation `json:"records"`
}

// OperatorRequest is a command of an operator.
type OperatorRequest struct {
	By      string `json:"by"`
	Comment string `json:"comment,omitempty"`
}

// VerdictRequest is what an analyst found an event, decision or action to be.
type VerdictRequest struct {
	ID      string             `json:"id"`
	Verdict pipeline.Judgement `json:"verdict"`
	By      string             `json:"by"`
	Comment string             `json:"comment,omitempty"`
}

// ReloadAnswer is what a reload found.
type ReloadAnswer struct {
	Revision string `json:"revision"`
	Restart  bool   `json:"restart_needed"` // something changed that only a restart takes up
}

// Error is the answer to a request that failed.
type Error struct {
	Message string `json:"error"`
	Hint    string `json:"hint,omitempty"` // what to do next
	Offset  *int   `json:"offset,omitempty"`
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Explanation is the whole way of one message: what verification said, the
// events in it, the decision about each, the actions and the documents.
type Explanation struct {
	Seq       uint64                 `json:"seq,omitempty"` // place in the journal
	At        time.Time              `json:"at,omitzero"`
	Verdict   Verdict                `json:"verdict"`
	Events    []pipeline.EventPart   `json:"events"`
	Decisions []Decision             `json:"decisions"`
	Actions   []pipeline.Action      `json:"actions"`
	Documents []json.RawMessage      `json:"documents"`
	Operator  *pipeline.OperatorPart `json:"operator,omitempty"`
	Kind      pipeline.RecordKind    `json:"kind,omitempty"`
	Notes     [][]mappings.Note      `json:"notes,omitempty"`   // of a mapping on each event; only of messages that are asked about
	Skipped   []string               `json:"skipped,omitempty"` // why its skips leave records out; likewise
}

// Verdict is what verification said of a message.
type Verdict struct {
	Result      pipeline.Verdict `json:"result,omitempty"`
	Code        string           `json:"code,omitempty"` // RFC 8935 error code
	Description string           `json:"description,omitempty"`
	Requirement string           `json:"requirement,omitempty"`
	Issuer      string           `json:"issuer,omitempty"`
	JTI         string           `json:"jti,omitempty"`
	Assurance   string           `json:"assurance,omitempty"`
	Rules       string           `json:"rules,omitempty"` // rule set applied
	Algorithm   string           `json:"alg,omitempty"`
	KeyID       string           `json:"kid,omitempty"`
	Applied     []string         `json:"applied,omitempty"`
	Discard     string           `json:"discard,omitempty"`
	InputID     string           `json:"input_id,omitempty"`
	Source      string           `json:"source,omitempty"`
	Position    string           `json:"position,omitempty"`
}

// Decision is the decision about one event.
type Decision struct {
	pipeline.DecisionPart
	Event    string                `json:"event"`
	Remit    string                `json:"remit,omitempty"`
	Change   json.RawMessage       `json:"change,omitempty"`
	Entities pipeline.EntitiesPart `json:"entities,omitzero"`
	Rules    []RuleView            `json:"rules,omitempty"`
	// RulesChanged is the revision of today's rules, which Rules was made with,
	// when the decision was made by another.
	RulesChanged string `json:"rules_changed,omitempty"`
}

// RuleView says of each body of a rule whether it held, and if not, what was
// in the way.
type RuleView struct {
	Rule     string `json:"rule"`
	Document string `json:"document"`
	Branch   string `json:"branch,omitempty"`
	Held     bool   `json:"held"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Error    string `json:"error,omitempty"`
	Text     string `json:"text,omitempty"`   // the expression nearest to holding
	Values   string `json:"values,omitempty"` // what its parts were
}
