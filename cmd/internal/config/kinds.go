package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/connectors"
	"github.com/signalbox-dev/signalbox/connectors/kind"
)

// connectorBlock is a source, sink or index before its kind is known.
type connectorBlock struct {
	Kind string          `hcl:"kind,label"`
	Name string          `hcl:"name,label"`
	Rest *hclsyntax.Body `hcl:",remain"`
}

// plainName is what a name that ends up in paths, keys and documents may be.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// sources decodes the source blocks.
func (l *loader) sources(blocks []connectorBlock) {
	seen := map[string]string{}
	for i, b := range blocks {
		path := fmt.Sprintf("source[%d]", i)
		l.name(path, b.Name, seen)
		blank, ok := connectors.Sources[b.Kind]
		if !ok {
			l.noKind(path, "source", b.Kind, sortedKeys(connectors.Sources))
			continue
		}
		c := blank()
		l.connector(path, b.Rest, c, c.Validate)
		src := Source{Kind: b.Kind, Name: b.Name, Config: c, Place: l.place(path)}
		if issuer := l.spots[path+".issuer"].text; issuer != "" {
			src.Issuers = []string{issuer}
			l.knownIssuer(path+".issuer", issuer)
			l.expect(c, issuer)
		}
		l.carried(path+".issuers", &src)
		l.channel(path, c, &src)
		l.cfg.Sources = append(l.cfg.Sources, src)
	}
}

// expect tells a source that makes streams what its issuer calls us.
func (l *loader) expect(c kind.SourceConfig, issuer string) {
	e, ok := c.(interface{ Expect(audience []string) })
	for _, is := range l.cfg.Issuers {
		if ok && is.URL == issuer {
			e.Expect(is.Audience)
		}
	}
}

// carried notes the issuers of a source that carries several. All of them write
// one dialect: one that is held to another rule set would be refused token by
// token.
func (l *loader) carried(path string, src *Source) {
	c, ok := src.Config.(interface {
		Carries() (issuers []string, rules string)
	})
	if !ok {
		return
	}
	issuers, rules := c.Carries()
	for i, issuer := range issuers {
		item := fmt.Sprintf("%s[%d]", path, i)
		if slices.Contains(src.Issuers, issuer) {
			l.field(item, fmt.Sprintf("issuer %q given twice", issuer), "Once is enough.")
			continue
		}
		src.Issuers = append(src.Issuers, issuer)
		l.knownIssuer(item, issuer)
		for _, is := range l.cfg.Issuers {
			if is.URL == issuer && is.Rules != rules {
				l.field(item, fmt.Sprintf("issuer %q is held to rule set %q", issuer, is.Rules),
					fmt.Sprintf("Write rules = %q in its block: a source %q takes that dialect alone.", rules, src.Kind))
			}
		}
	}
}

// channel takes from a source what its records are read by and may cause.
func (l *loader) channel(path string, c kind.SourceConfig, src *Source) {
	ch, ok := c.(kind.Channel)
	if !ok {
		return
	}
	for _, at := range sortedKeys(l.spots) {
		if s := l.spots[at]; strings.HasPrefix(at, path+".") && strings.HasSuffix(at, ".mapping") && s.text != "" {
			src.Mapped = append(src.Mapped, Mapped{s.text, diag.HCLPlace(s.at)})
		}
	}
	remit, age := ch.Trust()
	src.Remit, src.MaxAge = l.remit(path+".remit", remit), age
}

// sinks decodes the sink, index and relay blocks, whose names are one set: all
// take deliveries and are known by name in the journal.
func (l *loader) sinks(sinks, indexes, relays []connectorBlock) {
	seen := map[string]string{}
	l.cfg.Sinks = l.sinksOf("sink", sinks, connectors.Sinks, seen)
	l.cfg.Indexes = l.sinksOf("index", indexes, connectors.Indexes, seen)
	l.cfg.Relays = l.sinksOf("relay", relays, connectors.Relays, seen)
	l.loops()
}

func (l *loader) sinksOf(role string, blocks []connectorBlock, kinds map[string]func() kind.SinkConfig, seen map[string]string) []Sink {
	var sinks []Sink
	for i, b := range blocks {
		path := fmt.Sprintf("%s[%d]", role, i)
		l.name(path, b.Name, seen)
		blank, ok := kinds[b.Kind]
		if !ok {
			l.noKind(path, role, b.Kind, sortedKeys(kinds))
			l.failed[role+" "+b.Name] = true
			continue
		}
		c := blank()
		l.connector(path, b.Rest, c, c.Validate)
		sinks = append(sinks, Sink{
			Kind: b.Kind, Name: b.Name, Config: c,
			Authority: l.spots[path+".authority"].flag,
			Place:     l.place(path),
		})
	}
	return sinks
}

// connector decodes the body of a block into the struct of its kind. What that
// finds wrong is placed by field; when the text itself did not decode, the
// kind is not asked, since it would complain about the same again.
func (l *loader) connector(path string, body *hclsyntax.Body, config any, validate func() []kind.FieldError) {
	before, _ := l.problem.Count()
	l.body(body, reflect.ValueOf(config).Elem(), path)
	if after, _ := l.problem.Count(); after > before {
		return
	}
	for _, p := range validate() {
		l.field(join(path, p.Field), p.Summary, p.Detail)
	}
}

// knownIssuer checks that the issuer of a source has a block.
func (l *loader) knownIssuer(path, given string) {
	var known []string
	for _, is := range l.cfg.Issuers {
		known = append(known, is.URL)
	}
	if !slices.Contains(known, given) {
		l.field(path, fmt.Sprintf("unknown issuer %q", given), suggest(given, known, "issuers")+" Every issuer needs a block of its own that says how its tokens are checked.")
	}
}

// noKind reports a first label that names no kind.
func (l *loader) noKind(path, role, given string, known []string) {
	l.fault(l.spots.find(path+"#kind").at, fmt.Sprintf("unknown kind of %s %q", role, given), suggest(given, known, "kinds"))
}

// name checks a name and that it is given once.
func (l *loader) name(path, name string, seen map[string]string) {
	at := l.spots.find(path + "#name").at
	if !plainName.MatchString(name) {
		l.fault(at, fmt.Sprintf("invalid name %q", name), "Use letters, digits, dots, dashes and underscores, at most 64.")
	}
	here := fmt.Sprintf("line %d", at.Start.Line)
	if first, ok := seen[name]; ok {
		l.fault(at, fmt.Sprintf("name %q given twice", name), "It was given on "+first+"; choose another.")
		return
	}
	seen[name] = here
}

// place is where the block at a path stands.
func (l *loader) place(path string) diag.Place { return diag.HCLPlace(l.spots.find(path).at) }
