package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/pipeline"
)

type policiesBlock struct {
	Dir     string      `hcl:"dir,optional"`
	Shipped *bool       `hcl:"shipped,optional"`
	Rules   []ruleBlock `hcl:"rule,block"`
}

type ruleBlock struct {
	Name    string      `hcl:"name,label"`
	Mode    string      `hcl:"mode,optional"`
	Enabled *bool       `hcl:"enabled,optional"`
	Limit   *limitBlock `hcl:"limit,block"`
}

type protectBlock struct {
	Subjects []string `hcl:"subjects"`
	Reason   string   `hcl:"reason"`
}

var modes = []string{string(pipeline.Shadow), string(pipeline.Approve), string(pipeline.Enforce)}

// policies decodes the policies block.
func (l *loader) policies(b *policiesBlock) {
	if b == nil {
		return
	}
	l.cfg.Policies.Dir = under(l.cfg.Dir, b.Dir)
	l.cfg.Policies.Shipped = either(b.Shipped, true)
	seen := map[string]string{}
	for i, r := range b.Rules {
		at := fmt.Sprintf("policies.rule[%d]", i)
		l.name(at, r.Name, seen)
		rule := Rule{Name: r.Name, Enabled: either(r.Enabled, true), Mode: pipeline.Mode(r.Mode), Place: diag.HCLPlace(l.spots.find(at + "#name").at)}
		if r.Mode != "" && !slices.Contains(modes, r.Mode) {
			l.field(at+".mode", fmt.Sprintf("unknown mode %q", r.Mode), suggest(r.Mode, modes, "modes"))
			rule.Mode = pipeline.Shadow
		}
		if r.Limit != nil {
			rule.Limit = pipeline.Limit(*r.Limit)
			l.limit(at+".limit", rule.Limit)
		}
		l.cfg.Policies.Rules = append(l.cfg.Policies.Rules, rule)
	}
}

// protect decodes the protect blocks.
func (l *loader) protect(blocks []protectBlock) {
	for i, b := range blocks {
		at := fmt.Sprintf("protect[%d]", i)
		l.patterns(at+".subjects", b.Subjects)
		if _, given := l.spots[at+".subjects"]; given && len(b.Subjects) == 0 {
			l.field(at+".subjects", "nobody is protected", "List subject patterns, such as \"email:breakglass@example.com\".")
		}
		if _, given := l.spots[at+".reason"]; given && strings.TrimSpace(b.Reason) == "" {
			l.field(at+".reason", "no reason", "Say why; analysts read it with every action held back.")
		}
		l.cfg.Protect = append(l.cfg.Protect, Protect{Subjects: b.Subjects, Reason: b.Reason, Place: l.place(at)})
	}
}
