package policies

import (
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// index finds the rules that speak to an event.
type index struct {
	types    map[*event.Type]pipeline.Selection // concepts of the type included
	concepts map[string][]*rule
}

func newIndex(rules []*rule) index {
	ix := index{types: map[*event.Type]pipeline.Selection{}, concepts: map[string][]*rule{}}
	for _, ru := range rules {
		for _, c := range ru.concepts {
			if !ru.disabled {
				ix.concepts[c] = append(ix.concepts[c], ru)
			}
		}
	}
	for _, t := range append(event.Types(), event.Unknown) {
		var list []*rule
		for _, ru := range rules {
			about := slices.Contains(ru.types, t) || ru.unknown && t == event.Unknown ||
				slices.ContainsFunc(ru.concepts, func(c string) bool { return slices.Contains(t.Concepts, c) })
			if about && !ru.disabled {
				list = append(list, ru)
			}
		}
		if len(list) > 0 {
			ix.types[t] = selectionOf(list)
		}
	}
	return ix
}

func selectionOf(rules []*rule) pipeline.Selection {
	var s pipeline.Selection
	for _, ru := range rules {
		s.Rules = append(s.Rules, ru.name)
		s.Needs |= ru.needs
		s.Windows = append(s.Windows, ru.windows...)
	}
	return s
}

// Select implements pipeline.Decider. The selection is shared: it must not be
// modified.
func (s *Set) Select(e *event.Event) pipeline.Selection {
	found := s.index.types[e.Type]
	if len(s.index.concepts) == 0 {
		return found
	}
	var more []*rule
	for _, c := range e.Concepts {
		for _, ru := range s.index.concepts[c] {
			if _, has := slices.BinarySearch(found.Rules, ru.name); !has && !slices.Contains(more, ru) {
				more = append(more, ru)
			}
		}
	}
	if len(more) == 0 {
		return found
	}
	for _, name := range found.Rules {
		more = append(more, s.rules[name])
	}
	slices.SortFunc(more, func(a, b *rule) int { return strings.Compare(a.name, b.name) })
	return selectionOf(more)
}
