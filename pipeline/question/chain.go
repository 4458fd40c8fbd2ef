package question

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// chain gives everything of the chains an id belongs to. An id deep in a chain
// stands in a few documents only, so that their roots are looked up first.
func (a *asking) chain(id string) (Answer, error) {
	about, err := query.Timeline("chain", id)
	if err != nil {
		return Answer{}, err
	}
	var roots []string
	err = a.each(about, a.request.To, maxRead, func(d hit) bool {
		if root := d.text("chain.root"); root != "" && !slices.Contains(roots, root) {
			roots = append(roots, root)
		}
		return len(roots) <= maxRoots
	})
	switch {
	case err != nil && !errors.Is(err, errTooMany):
		return Answer{}, err
	case len(roots) > maxRoots:
		return Answer{}, &Error{"more than 20 chains hold " + id, "give an id that is of one cause"}
	}
	terms := []string{about.String()}
	for _, root := range roots {
		terms = append(terms, "chain.root:"+quote(root))
	}
	whole, err := query.Parse(strings.Join(terms, " OR "))
	if err != nil {
		return Answer{}, err
	}
	return a.documents(whole)
}

// LinkKind says what a link of a chain is.
type LinkKind string

// The kinds of links.
const (
	InputLink    LinkKind = "input"    // a message, with the id it was journaled under
	EventLink    LinkKind = "event"    // what a message states
	DecisionLink LinkKind = "decision" // what the rules said about an event
	ActionLink   LinkKind = "action"   // an action, with a document for each state of each part
	AuditLink    LinkKind = "audit"    // what a person said about it
	ErrorLink    LinkKind = "error"    // what could not be read or indexed
)

// Link is one thing of a causal chain, with what came of it.
type Link struct {
	Kind LinkKind `json:"kind"`
	ID   string   `json:"id"`
	// Docs are its documents, in the order given. A message that became events
	// has none of its own; neither has what is known only as a cause.
	Docs []json.RawMessage `json:"documents,omitempty"`
	Then []*Link           `json:"then,omitempty"`
}

// Tree nests documents by their causes, as chain.parent has them: events below
// their message, decisions below the event, actions below the decision, verdicts
// below what they judge. What names no cause that is known, such as a timer, is
// below the message the chain began with. Links of one cause are in the order of
// the first document below them. The error means that a document is no JSON.
func Tree(docs []query.Hit) ([]*Link, error) {
	t := tree{links: map[string]*Link{}, parents: map[*Link]string{}}
	for _, d := range docs {
		v, err := strictjson.Parse(d.JSON, strictjson.Limits{})
		if err != nil {
			return nil, err
		}
		t.add(hit{d, v})
	}
	return t.nest(), nil
}

// tree is a chain on its way from documents to links.
type tree struct {
	links   map[string]*Link
	order   []*Link
	parents map[*Link]string // id of the cause, "" for none
}

// link finds or makes a link; parent is told by what names it as its cause.
func (t *tree) link(kind LinkKind, id, parent string) *Link {
	l, ok := t.links[id]
	if !ok {
		l = &Link{Kind: kind, ID: id}
		t.links[id], t.parents[l] = l, parent
		t.order = append(t.order, l)
	}
	return l
}

func (t *tree) add(d hit) {
	kind, id := AuditLink, d.text("event.id")
	root, parent := d.text("chain.root"), d.text("chain.parent")
	switch d.Stream {
	case document.SetStream, document.AlertStream:
		kind = InputLink
		if parent != "" {
			kind = EventLink
		}
	case document.DecisionStream:
		kind, id = DecisionLink, d.text("policy.decision_id")
	case document.ActionStream:
		kind, id = ActionLink, d.text("action.id")
	case document.ErrorStream:
		kind = ErrorLink
	}
	if root != "" {
		t.link(InputLink, root, "")
	}
	if parent == "" {
		parent = root
	} else {
		t.link(causes[kind], parent, root)
	}
	l := t.link(kind, id, parent)
	l.Kind, t.parents[l] = kind, parent
	l.Docs = append(l.Docs, d.JSON)
}

// causes are the kinds of what a link names as its cause, where no document is
// of it.
var causes = map[LinkKind]LinkKind{EventLink: InputLink, DecisionLink: EventLink, ActionLink: DecisionLink, AuditLink: DecisionLink}

// nest puts every link below its cause and gives those that have none. A link
// that would be its own cause has none.
func (t *tree) nest() (top []*Link) {
	for _, l := range t.order {
		parent := t.links[t.parents[l]]
		for at, steps := parent, 0; at != nil; at, steps = t.links[t.parents[at]], steps+1 {
			if at == l || steps > len(t.order) {
				parent, t.parents[l] = nil, ""
				break
			}
		}
		if parent == nil {
			top = append(top, l)
		} else {
			parent.Then = append(parent.Then, l)
		}
	}
	return top
}
