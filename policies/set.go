package policies

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// Set is a compiled policy set. It implements pipeline.Decider.
type Set struct {
	rules    map[string]*rule
	order    []*rule // by name
	index    index
	compiler *ast.Compiler
	store    storage.Store
	txn      storage.Transaction // one read transaction for all: the store never changes
	options  Options
	revision string
	sources  map[string]string
	ungated  bool // tests: evaluate every body
}

var _ pipeline.Decider = (*Set)(nil)

// Revision implements pipeline.Decider.
func (s *Set) Revision() string { return s.revision }

// Sources returns the texts of the set by file, tests left out: what has to be
// kept to explain a decision later. The last two elements of a name are the
// file's path in a tree for Load. Do not modify the map.
func (s *Set) Sources() map[string]string { return s.sources }

// Rules describes the rules of the set, by name.
func (s *Set) Rules() []RuleInfo {
	list := make([]RuleInfo, 0, len(s.order))
	for _, ru := range s.order {
		info := RuleInfo{
			Name: ru.name, Title: ru.title, Description: ru.description, File: ru.file, Line: ru.place.line,
			On: ru.on, Needs: ru.needNames, Mode: ru.mode, Limit: ru.limit, Severity: ru.severity, Attack: ru.attack, Disabled: ru.disabled,
		}
		for _, d := range ru.documents {
			for _, b := range d.bodies {
				info.Branches = append(info.Branches, BranchInfo{d.name, b.title, b.written.Head.Location.Row})
				if name := b.actionType(); name != "" && !slices.Contains(info.Actions, name) {
					info.Actions = append(info.Actions, name)
				}
			}
		}
		slices.Sort(info.Actions)
		list = append(list, info)
	}
	return list
}
