package policies

import (
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// The documents a rule may define, in the order they are evaluated.
const (
	actionsDoc = "actions" // what to do
	factsDoc   = "facts"   // what to remember of the user or device
	timersDoc  = "timers"  // when to look again
	notesDoc   = "notes"   // what to tell analysts
)

var documentNames = []string{actionsDoc, factsDoc, timersDoc, notesDoc}

// rule is one rule of a set.
type rule struct {
	name        string
	title       string
	description string
	file        string
	place       place // of the package line
	on          []string
	types       []*event.Type
	concepts    []string
	unknown     bool
	needNames   []string
	needs       pipeline.Needs
	windows     []pipeline.Window
	windowPlace place // of the first window's name
	mode        pipeline.Mode
	limit       pipeline.Limit
	actionTypes []string // nil: any
	severity    string
	disabled    bool
	attack      []string

	module    *ast.Module // as written
	header    *block      // METADATA of the package
	input     *shape
	documents []*document
}

// document is one of the four documents of a rule.
type document struct {
	name   string
	bodies []*body
	index  []ast.RuleIndex    // where the language's own index of the bodies is
	byRow  map[position]*body // bodies by the place of their head
	always []*body            // bodies no index covers
}

// body is one definition of a document. It is compiled as a rule of its own, so
// that it is known which body gave which result and an evaluation runs only the
// bodies that could hold.
type body struct {
	document string
	title    string
	order    int // within the document
	written  *ast.Rule
	hidden   ast.Ref // what the compiled copy is called
	query    rego.PreparedEvalQuery
}

// position is a place in the rule's file.
type position struct{ row, col int }

func positionOf(l *ast.Location) position { return position{l.Row, l.Col} }

// RuleInfo describes a rule of a set, for lists and consoles.
type RuleInfo struct {
	Name        string         `json:"name"`
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	File        string         `json:"file"`
	Line        int            `json:"line"`
	On          []string       `json:"on"`
	Needs       []string       `json:"needs"`
	Mode        pipeline.Mode  `json:"mode"` // in force, after overrides
	Limit       pipeline.Limit `json:"limit,omitzero"`
	Severity    string         `json:"severity"`
	Attack      []string       `json:"attack,omitempty"`
	Disabled    bool           `json:"disabled,omitempty"`
	Branches    []BranchInfo   `json:"branches"`
	Actions     []string       `json:"actions,omitempty"` // action types its text names, sorted; it may make others
}

// BranchInfo describes one body of a rule's documents.
type BranchInfo struct {
	Document string `json:"document"`
	Title    string `json:"title,omitempty"`
	Line     int    `json:"line"`
}

// The bounds of what one document may return.
const (
	maxActions  = 200
	maxTimers   = 50
	maxFacts    = 50
	maxNotes    = 50
	maxText     = 2000     // characters of a reason or note; longer is cut
	maxDataSize = 4 << 10  // bytes of a timer's data as JSON
	maxWithSize = 16 << 10 // bytes of an action's further members as JSON
	maxOver     = 31 * 24 * time.Hour
)
