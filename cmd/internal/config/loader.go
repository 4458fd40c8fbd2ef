package config

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
)

// loader reads one file. Its methods note problems and go on.
type loader struct {
	cfg     *Config
	eval    *hcl.EvalContext
	src     []byte
	spots   spots
	problem diag.List

	shipping bool            // it reads the types that come with the product
	failed   map[string]bool // "sink <name>": blocks that are there but could not be used
	mentions []string        // paths of attributes and items that name an action
}

func newLoader(cfg *Config, env Env) *loader {
	return &loader{cfg: cfg, eval: evalContext(cfg.Dir, env), spots: spots{}, failed: map[string]bool{}}
}

// fault notes an error at a range.
func (l *loader) fault(at hcl.Range, summary, detail string) {
	l.problem = append(l.problem, diag.Diagnostic{Summary: summary, Detail: detail, Place: diag.HCLPlace(at)})
}

// faultf notes an error whose detail is formatted.
func (l *loader) faultf(at hcl.Range, summary, detail string, args ...any) {
	l.fault(at, summary, fmt.Sprintf(detail, args...))
}

// field notes an error of the field at a path. Where the value must not be
// shown, a text that could hold a piece of it is left out.
func (l *loader) field(path, summary, detail string) {
	at := l.spots.find(path)
	if at.hidden {
		detail = "The value comes from env() or file() and is not shown. " + detail
		if at.leaks(summary + detail) {
			summary, detail = "unsuitable value", "The value comes from env() or file() and is not shown; this attribute cannot hold it."
		}
	}
	l.fault(at.at, summary, detail)
}

// leaks reports whether a text has a piece of the value in it.
func (s spot) leaks(text string) bool {
	const piece = 6
	if len(s.text) <= piece {
		return s.text != "" && strings.Contains(text, s.text)
	}
	for i := range len(s.text) - piece + 1 {
		if strings.Contains(text, s.text[i:i+piece]) {
			return true
		}
	}
	return false
}

// warn notes a warning at a range.
func (l *loader) warn(at hcl.Range, summary, detail string) {
	l.problem = append(l.problem, warning(diag.HCLPlace(at), summary, detail))
}

func warning(at diag.Place, summary, detail string) diag.Diagnostic {
	return diag.Diagnostic{Severity: diag.Warning, Summary: summary, Detail: detail, Place: at}
}

// hcl notes what the HCL library reports, in our words where we have better.
func (l *loader) hcl(in hcl.Diagnostics) {
	for _, h := range in {
		if p, ok := problemOf(h); ok && h.Context != nil {
			l.fault(*h.Context, p.summary, p.detail)
			continue
		}
		if name, known, ok := unknownFunction(h); ok && h.Subject != nil {
			l.fault(*h.Subject, fmt.Sprintf("unknown function %q", name), suggest(name, known, "functions"))
			continue
		}
		l.problem = append(l.problem, diag.FromHCL(hcl.Diagnostics{h})...)
	}
}

// header is the range of a block's type and labels.
func header(b *hclsyntax.Block) hcl.Range { return b.DefRange() }

// title names a block as the file does: sink "ssf" "downstream".
func title(b *hclsyntax.Block) string {
	s := b.Type
	for _, label := range b.Labels {
		s += fmt.Sprintf(" %q", label)
	}
	return s
}
