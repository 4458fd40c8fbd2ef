package mappings

import (
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// implied are the document fields that follow from a payload, by event and
// field. A mapping that sets one itself has its way.
var implied = map[string]map[string]func(*eventRule) expr{
	"alert": {
		"alert.id":                         fromPayload("alert_id"),
		"alert.confidence":                 fromPayload("confidence"),
		"alert.state":                      fromPayload("state"),
		"alert.verdict":                    fromPayload("verdict"),
		"alert.disposition":                fromPayload("disposition"),
		"rule.id":                          fromPayload("rule_id"),
		"rule.name":                        fromPayload("rule_name"),
		"event.url":                        fromPayload("url"),
		"event.risk_score_norm":            fromPayload("risk_score"),
		"threat.tactic.id":                 fromPayload("tactics"),
		"threat.technique.id":              techniquesOf(func(id string) string { parent, _, _ := strings.Cut(id, "."); return parent }),
		"threat.technique.subtechnique.id": techniquesOf(func(id string) string { return pickIf(strings.Contains(id, "."), id) }),
		"threat.framework": func(r *eventRule) expr {
			techniques, tactics := fromPayload("techniques")(r), fromPayload("tactics")(r)
			return func(e *env) value {
				if techniques(e).len()+tactics(e).len() == 0 {
					return value{}
				}
				return textOf("MITRE ATT&CK")
			}
		},
	},
	"activity": {
		"source.ip":                   fromPayload("source_ip"),
		"source.geo.country_iso_code": fromPayload("country"),
		"user_agent.original":         fromPayload("user_agent"),
		"service.target.name":         fromPayload("application"),
	},
	"posture": {
		"host.os.name":    fromPayload("os_name"),
		"host.os.version": fromPayload("os_version"),
	},
}

// fromPayload is a member of the payload that was just made.
func fromPayload(name string) func(*eventRule) expr {
	return func(r *eventRule) expr {
		i := slices.IndexFunc(r.body, func(b bodyRule) bool { return b.name == name })
		if i < 0 {
			return func(*env) value { return value{} }
		}
		return func(e *env) value { return e.payload[i] }
	}
}

func techniquesOf(f func(string) string) func(*eventRule) expr {
	return func(r *eventRule) expr {
		techniques := fromPayload("techniques")(r)
		return func(e *env) value {
			out := texts{e: e, from: len(e.stack)}
			for _, v := range e.elements(techniques(e)) {
				if id := f(v.text); id != "" {
					out.add(id)
				}
			}
			return out.sealed(out.from)
		}
	}
}

func pickIf(yes bool, s string) string {
	if yes {
		return s
	}
	return ""
}

// implied adds the fields that follow from the payload, and the vendor.
func (r *eventRule) implied(t *event.Type, vendor string) {
	module := textOf(vendor)
	r.imply("event.module", func(e *env) value {
		if e.trying { // the same in all documents of the mapping
			return value{}
		}
		return module
	})
	for name, val := range implied[t.Name] {
		r.imply(name, val(r))
	}
}

func (r *eventRule) imply(name string, val expr) {
	path := strings.Split(name, ".")
	if slices.ContainsFunc(r.fields, func(f fieldRule) bool { return slices.Equal(f.path, path) }) {
		return
	}
	if f, ok := document.Lookup(name); ok {
		r.fields = append(r.fields, newField(f, val))
	}
}
