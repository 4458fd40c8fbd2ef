package elasticsearch

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// A cluster has no patterns on one leaf of a flattened object. The values there
// are asked for first, and those that match are searched for.

// maxLeaves bounds the different values of a leaf that are looked at.
const maxLeaves = 10_000

// patterns lists the patterns on leaves below a node.
func patterns(n query.Node) (list []query.Match) {
	switch n := n.(type) {
	case query.And:
		for _, c := range n {
			list = append(list, patterns(c)...)
		}
	case query.Or:
		for _, c := range n {
			list = append(list, patterns(c)...)
		}
	case query.Not:
		return patterns(n.Of)
	case query.Match:
		if n.Wild && n.Field.Type == document.Flattened && n.Field.Key != "" {
			return []query.Match{n}
		}
	}
	return list
}

// resolve finds the values that the patterns on leaves match.
func (x *index) resolve(ctx context.Context, t *translator, within object, queries ...query.Query) error {
	t.leaves = map[string][]string{}
	for _, q := range queries {
		for _, m := range patterns(q.Root()) {
			if _, known := t.leaves[leafTerm(m)]; known {
				continue
			}
			values, err := x.values(ctx, m, within)
			if err != nil {
				return err
			}
			t.leaves[leafTerm(m)] = values
		}
	}
	return nil
}

func (x *index) values(ctx context.Context, m query.Match, within object) ([]string, error) {
	var answer struct {
		Aggregations struct {
			Values struct {
				Rest    int `json:"sum_other_doc_count"`
				Buckets []struct {
					Key string `json:"key"`
				} `json:"buckets"`
			} `json:"values"`
		} `json:"aggregations"`
	}
	body := object{
		"size": 0, "query": within, "track_total_hits": false,
		"aggs": object{"values": object{"terms": object{"field": path(m.Field), "size": maxLeaves}}},
	}
	if _, err := x.ask(ctx, body, &answer); err != nil {
		return nil, err
	}
	if answer.Aggregations.Values.Rest > 0 {
		return nil, &query.Error{Offset: -1, Problem: fmt.Sprintf("%s has more than %d values, too many for a pattern", m.Field, maxLeaves), Hint: "narrow the time, or write a whole value"}
	}
	glob := globOf(m.Value)
	values := []string{}
	for _, b := range answer.Aggregations.Values.Buckets {
		if glob.MatchString(b.Key) {
			values = append(values, b.Key)
		}
	}
	return values, nil
}

// globOf is a pattern as a regular expression: ASCII letters in either case.
func globOf(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	plain := false
	for _, r := range pattern {
		switch {
		case !plain && r == '\\':
			plain = true
			continue
		case !plain && r == '*':
			b.WriteString(".*")
		case !plain && r == '?':
			b.WriteByte('.')
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			lower, upper := r|0x20, r&^0x20
			b.WriteString("[" + string(lower) + string(upper) + "]")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
		plain = false
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}
