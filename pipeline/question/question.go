package question

import (
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// Question is one row of the table. Exactly one of Timeline, Chain, Count and
// Sequence says how it is answered.
//
// Queries hold parameters as {name}, which stands for the value in quotes.
type Question struct {
	Name   string // as the command line has it
	Ask    string // the question, as people put it
	Doc    string // how it is answered, and how to read that
	Params []Param
	Since  time.Duration // how far back it looks unless told; 0: everything

	Timeline string // kind of query.Timeline, whose value is the parameter of that name
	Endings  bool   // of a session: with what ended all of its user's, or of its device's
	Chain    string // parameter with any id of a causal chain, which is given whole; Tree nests it
	Count    *Count
	Sequence *Sequence

	// The same question for Kibana, "" where the language cannot ask it. No server
	// runs them in the tests.
	ESQL string
	EQL  string
	KQL  string
}

// ParamKind is what a parameter takes.
type ParamKind string

// The kinds of parameters.
const (
	Text     ParamKind = "text"     // compared whole
	Number   ParamKind = "number"   // a whole number, 0 or more
	Duration ParamKind = "duration" // such as 15m, 8h or 7d
	Interval ParamKind = "interval" // as query.ParseInterval reads it, or "" for none
)

// Param is one parameter. Without a default it must be given; an Interval is
// none then.
type Param struct {
	Name    string
	Kind    ParamKind
	Doc     string
	Default string
	Example string
}

// Required reports whether a value must be given.
func (p Param) Required() bool { return p.Default == "" && p.Kind != Interval }

// Count groups documents and computes from what is counted.
type Count struct {
	Query   string
	By      []string
	Every   string // parameter of kind Interval that cuts the groups, "" for none
	Figures []Figure
	// Keep is the rows that are shown: those for which all conditions of any one
	// list hold. Empty: all.
	Keep  [][]Condition
	Order []string // columns, the most important first; - before one: the largest first
	Hide  []string // columns that are only computed with
}

// Figure is a column of a Count: a metric of the index, or computed from columns
// before it.
type Figure struct {
	Name   string
	Metric string // as query.ParseMetric reads it
	// Since is a column with a time: how long that was ago.
	Since string
	// Part and Whole are columns with numbers: the one divided by the other.
	Part, Whole string
	// Status is a column with the rank of an action's status: its name.
	Status string
}

// Condition compares a column with a number, or with a parameter in braces: a
// number, or a duration in seconds. What is missing meets no condition.
type Condition struct {
	Column string
	Op     string // =, > or <
	Value  string
}

// Sequence finds one thing and then another of the same subject. Documents
// without the subject are left out.
type Sequence struct {
	By     string // field with the subject, one value
	Within string // parameter of kind Duration: the longest time between them
	First  Step
	Then   Step
	// Either takes them in either order. A match ends both: each document is in
	// at most one row, with the latest before it.
	Either bool
	// Missing asks for a first that no second followed in time. What may yet be
	// followed is left out.
	Missing bool
}

// Step is one side of a sequence.
type Step struct {
	Query string
	Show  []Shown
}

// Shown is a field of a step's document that becomes a column.
type Shown struct{ Name, Field string }

// Kind says what values a column holds.
type Kind string

// The kinds of columns.
const (
	TextColumn     Kind = "text"     // a string
	NumberColumn   Kind = "number"   //
	TimeColumn     Kind = "time"     // a string in RFC 3339, UTC
	DurationColumn Kind = "duration" // seconds
	ShareColumn    Kind = "share"    // a number, 1 being the whole
)

// Column is one column of an answer.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Answer is rows under columns, or documents.
type Answer struct {
	Columns []Column
	// Rows hold a string, a float64 or nil for each column.
	Rows [][]any
	Docs []query.Hit // of Timeline and Chain, the oldest first
	// Found is how many rows or documents there are, given or not.
	Found int
	// Partial says why the answer may be incomplete, as in query.Page.
	Partial string
}

// All is the table.
func All() []Question { return table }

// Lookup finds a question by its name.
func Lookup(name string) (Question, bool) {
	for _, q := range table {
		if q.Name == name {
			return q, true
		}
	}
	return Question{}, false
}

// Param finds a parameter by its name.
func (q Question) Param(name string) (Param, bool) {
	for _, p := range q.Params {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

// Command is the command line that asks the question, with the examples of what
// must be given.
func (q Question) Command() string {
	text := "signalbox ask " + q.Name
	if q.Chain != "" {
		text = "signalbox chain"
	}
	for _, p := range q.Params {
		if p.Name == q.Chain {
			text += " " + p.Example
			continue
		}
		if p.Required() {
			text += " --" + p.Name + " " + p.Example
		}
	}
	return text
}

// Example fills the parameters of a text for Kibana with their examples or
// defaults.
func (q Question) Example(text string) string {
	for _, p := range q.Params {
		value := p.Example
		if value == "" {
			value = p.Default
		}
		text = strings.ReplaceAll(text, "{"+p.Name+"}", value)
	}
	return text
}
