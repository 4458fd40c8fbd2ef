package query

import (
	"fmt"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// timelines lists, by kind of timeline, the fields that may hold its value.
var timelines = map[string][]string{
	"user":    {"related.user", "user.name", "user.email", "user.id"},
	"device":  {"related.hosts", "host.id", "host.name", "device.id"},
	"session": {"session.id", "session.keys"},
	"chain":   {"chain.root", "chain.parent", "event.id", "policy.decision_id", "action.id", "set.jti", "set.txn"},
}

// Timeline is the query for everything about one user, device, session or
// causal chain, by any identifier the documents hold. The value is taken
// literally.
func Timeline(kind, value string) (Query, error) {
	fields, ok := timelines[kind]
	if !ok {
		return Query{}, &Error{-1, fmt.Sprintf("unknown kind of timeline %q", clip(kind)), "use user, device, session or chain"}
	}
	if value == "" || len(value) > MaxLength/16 {
		return Query{}, &Error{-1, fmt.Sprintf("the %s to look for is empty or too long", kind), ""}
	}
	var list []Node
	for _, name := range fields {
		row, _ := document.Lookup(name)
		list = append(list, Match{Field: Field{Name: row.Name, Type: row.Type}, Value: value})
	}
	return newQuery(disjunction(list)), nil
}
