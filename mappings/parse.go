package mappings

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/hcltext"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Bounds of one file.
const (
	maxFile   = 1 << 20
	maxEvents = 64
)

// plain is what names of mappings, enums and locals may be.
var plain = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

// Parse compiles the text of one file. The mapping is nil when the diagnostics
// have errors.
func Parse(file string, src []byte) (*Mapping, hcl.Diagnostics) {
	if len(src) > maxFile {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "mapping too long", Detail: fmt.Sprintf("A mapping has at most %d bytes.", maxFile), Subject: &hcl.Range{Filename: file}}}
	}
	body, diags := hcltext.Parse(file, src)
	if diags.HasErrors() {
		return nil, diags
	}
	m := &Mapping{File: file, enums: map[string]map[string]string{}, localAt: map[string]int{}}
	c := &compiler{m: m, kept: map[string]int{}}
	for _, a := range sorted(body.Attributes) {
		c.fault(a.NameRange, fmt.Sprintf("unexpected attribute %q", a.Name), `A file holds one block, mapping "name" { … }.`)
	}
	found := 0
	for _, b := range body.Blocks {
		if b.Type != "mapping" || len(b.Labels) != 1 {
			c.fault(b.DefRange(), fmt.Sprintf("unexpected block %q", b.Type), `A file holds one block, mapping "name" { … }.`)
			continue
		}
		if found++; found > 1 {
			c.fault(b.DefRange(), "second mapping in a file", "Put it into a file of its own.")
			continue
		}
		c.mapping(b)
	}
	if found == 0 && !c.diags.HasErrors() {
		c.fault(body.MissingItemRange(), "no mapping", `Write a block mapping "name" { … }.`)
	}
	slices.SortStableFunc(c.diags, func(a, b *hcl.Diagnostic) int { return cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte) })
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	m.vars, m.kept = c.most, len(c.kept)
	m.paths.root.seal(&m.names)
	for _, f := range c.later {
		f()
	}
	return m, c.diags
}

func sorted(attrs hclsyntax.Attributes) []*hclsyntax.Attribute {
	return slices.SortedFunc(maps.Values(attrs), func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.NameRange.Start.Byte, b.NameRange.Start.Byte)
	})
}

// attributes takes a block's attributes by name and reports unknown ones.
func (c *compiler) attributes(b *hclsyntax.Block, known ...string) map[string]hclsyntax.Expression {
	found := map[string]hclsyntax.Expression{}
	for _, a := range sorted(b.Body.Attributes) {
		if !slices.Contains(known, a.Name) {
			c.fault(a.NameRange, fmt.Sprintf("unknown attribute %q", a.Name), "%s", nearest.Advice(a.Name, known, "attributes of "+b.Type))
			continue
		}
		found[a.Name] = a.Expr
	}
	return found
}

func (c *compiler) noBlocks(b *hclsyntax.Block) {
	for _, inner := range b.Body.Blocks {
		c.fault(inner.DefRange(), fmt.Sprintf("unexpected block %q", inner.Type), "A block %s holds attributes only.", b.Type)
	}
}

func (c *compiler) mapping(b *hclsyntax.Block) {
	m := c.m
	m.Name, m.at = b.Labels[0], b.DefRange()
	if !plain.MatchString(m.Name) {
		c.fault(b.LabelRanges[0], fmt.Sprintf("invalid name %q", m.Name), "Use small letters, digits, dashes and underscores, starting with a letter.")
	} else if base := strings.TrimSuffix(filepath.Base(m.File), ".hcl"); base != m.Name {
		c.fault(b.LabelRanges[0], fmt.Sprintf("mapping %q in file %s.hcl", m.Name, base), "A mapping is kept in a file of its name, so that it is found; rename one of them.")
	}
	attrs := c.attributes(b, "title", "vendor", "observer", "unwrap", "when", "ecs")
	m.Title, m.Vendor = c.word(attrs, "title", b), c.word(attrs, "vendor", b)
	if m.Vendor != "" && !plain.MatchString(m.Vendor) {
		c.fault(attrs["vendor"].Range(), fmt.Sprintf("invalid vendor %q", m.Vendor), "It becomes event.module: small letters, digits, dashes and underscores.")
	}
	c.unwrap(attrs["unwrap"])

	// Enums and locals first, wherever they stand: expressions use them.
	for _, inner := range b.Body.Blocks {
		if inner.Type == "enum" {
			c.enumBlock(inner)
		}
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type == "locals" {
			c.localsBlock(inner)
		}
	}
	if x := attrs["when"]; x != nil {
		m.when = c.cond(x)
	}
	var common []fieldRule
	if x := attrs["observer"]; x != nil {
		common = c.fields(x, "observer")
	}
	if x := attrs["ecs"]; x != nil {
		common = append(common, c.fields(x, "")...)
	}
	for _, inner := range b.Body.Blocks {
		switch inner.Type {
		case "enum", "locals":
		case "skip":
			m.skips = append(m.skips, c.reasonedBlock(inner))
		case "require":
			m.demands = append(m.demands, c.reasonedBlock(inner))
		case "event":
			c.eventBlock(inner, common)
		default:
			c.fault(inner.TypeRange, fmt.Sprintf("unknown block %q", inner.Type), "%s", nearest.Advice(inner.Type, []string{"enum", "locals", "skip", "require", "event"}, "blocks of a mapping"))
		}
	}
	if len(m.events) == 0 && !c.diags.HasErrors() {
		c.fault(b.DefRange(), "mapping without events", `Add a block such as event "alert" { … }.`)
	}
	if len(m.events) > maxEvents {
		c.fault(b.DefRange(), "too many events", "A mapping has at most %d event blocks.", maxEvents)
	}
}

// word is a required attribute with a constant text.
func (c *compiler) word(attrs map[string]hclsyntax.Expression, name string, b *hclsyntax.Block) string {
	x := attrs[name]
	if x == nil {
		c.fault(b.DefRange(), "missing "+name, "Give the mapping a %s.", name)
		return ""
	}
	s, ok := constant(x)
	if !ok || s == "" {
		c.fault(x.Range(), "unsuitable "+name, "Write a text in quotes.")
	}
	return s
}

// listOnly follows the name of a member that is only unwrapped if it is a list:
// products use data both for a page of records and for a part of one.
const listOnly = "[]"

func (c *compiler) unwrap(x hclsyntax.Expression) {
	if x == nil {
		return
	}
	t, ok := x.(*hclsyntax.TupleConsExpr)
	if !ok {
		c.fault(x.Range(), "unsuitable unwrap", `Write a list of member names, such as ["records", "value"].`)
		return
	}
	for _, e := range t.Exprs {
		name, ok := constant(e)
		if !ok || strings.TrimSuffix(name, listOnly) == "" {
			c.fault(e.Range(), "unsuitable unwrap", "Write the name of a member in quotes.")
			continue
		}
		if parts := strings.Split(name, "."); len(parts) > 1 { // silently nothing would be unwrapped
			c.fault(e.Range(), fmt.Sprintf("path %q in unwrap", name), `Write the names of the members one by one, from the outside in: ["%s"].`, strings.Join(parts, `", "`))
			continue
		}
		c.m.unwrap = append(c.m.unwrap, name)
	}
}

// enumBlock reads the values that each member of an enum stands for.
func (c *compiler) enumBlock(b *hclsyntax.Block) {
	if len(b.Labels) != 1 || !plain.MatchString(b.Labels[0]) {
		c.fault(b.DefRange(), "unnamed enum", `Write enum "name" { member = ["value", …] }.`)
		return
	}
	c.noBlocks(b)
	name, table := b.Labels[0], map[string]string{}
	if c.m.enums[name] != nil {
		c.fault(b.LabelRanges[0], fmt.Sprintf("enum %q given twice", name), "Put both into one.")
	}
	for _, a := range sorted(b.Body.Attributes) {
		list, ok := a.Expr.(*hclsyntax.TupleConsExpr)
		if !ok {
			c.fault(a.Expr.Range(), "unsuitable enum member", `Write the values it stands for as a list, such as ["high", "4"].`)
			continue
		}
		for _, e := range list.Exprs {
			v, ok := c.constantValue(e)
			s, isText := v.string()
			if !ok || !isText {
				c.fault(e.Range(), "unsuitable enum value", "Write a text, a number, true or false.")
				continue
			}
			if other := table[fold(s)]; other != "" {
				c.fault(e.Range(), fmt.Sprintf("value %q given twice", s), "It stands for %s already.", other)
			}
			table[fold(s)] = a.Name
		}
	}
	c.m.enums[name] = table
}

func (c *compiler) constantValue(x hclsyntax.Expression) (value, bool) {
	if s, ok := constant(x); ok {
		return textOf(s), true
	}
	if l, ok := x.(*hclsyntax.LiteralValueExpr); ok {
		return c.literal(l.Val, l.Range())(nil), true
	}
	return value{}, false
}

// localsBlock compiles the named values, each of which may use those above it.
func (c *compiler) localsBlock(b *hclsyntax.Block) {
	c.noBlocks(b)
	if len(b.Labels) > 0 {
		c.fault(b.DefRange(), "locals with a label", "Write locals { name = value }.")
	}
	attrs := sorted(b.Body.Attributes)
	for _, a := range attrs {
		if _, twice := c.m.localAt[a.Name]; twice {
			c.fault(a.NameRange, fmt.Sprintf("local %q given twice", a.Name), "Choose another name.")
			continue
		}
		c.m.localAt[a.Name] = len(c.m.localAt)
	}
	for _, a := range attrs {
		if c.m.localAt[a.Name] == len(c.m.locals) {
			c.m.locals = append(c.m.locals, c.expr(a.Expr))
			c.locals = append(c.locals, c.kindsOf(a.Expr))
			c.first = c.most // a local may be computed within a loop, whose variables it must not touch
		}
	}
}

// reasonedBlock reads a condition labelled with its reason.
func (c *compiler) reasonedBlock(b *hclsyntax.Block) reasoned {
	c.noBlocks(b)
	attrs := c.attributes(b, "when")
	switch {
	case len(b.Labels) != 1 || b.Labels[0] == "":
		c.fault(b.DefRange(), b.Type+" without a reason", `Write %s "why" { when = … }.`, b.Type)
	case attrs["when"] == nil:
		c.fault(b.DefRange(), b.Type+" without a condition", `Write %s %q { when = … }.`, b.Type, b.Labels[0])
	default:
		return reasoned{b.Labels[0], c.cond(attrs["when"])}
	}
	return reasoned{}
}

// eventBlock compiles an event. Fields common to all events of the mapping give
// way to those of the block.
func (c *compiler) eventBlock(b *hclsyntax.Block, common []fieldRule) {
	c.noBlocks(b)
	if len(b.Labels) != 1 {
		c.fault(b.DefRange(), "event without a name", `Write event "alert" { … }, with a name of the catalogue.`)
		return
	}
	t, ok := event.ByName(b.Labels[0])
	if !ok || t == event.Unknown || t.Family == "ssf" {
		c.fault(b.LabelRanges[0], fmt.Sprintf("unknown event %q", b.Labels[0]), "%s signalbox events lists them.", nearest.Advice(b.Labels[0], eventNames(), "events"))
		return
	}
	r := eventRule{typ: t}
	attrs := c.attributes(b, "when", "each", "time", "subject", "body", "ecs")
	if x := attrs["each"]; x != nil {
		r.each = c.expr(x)
	}
	c.looped = r.each != nil
	defer func() { c.looped = false }()
	if x := attrs["when"]; x != nil {
		r.when = c.cond(x)
	}
	if x := attrs["time"]; x != nil {
		r.time = c.expr(x)
		c.fits(x, ofTime)
	}
	if x := attrs["subject"]; x != nil {
		r.subject = c.expr(x)
		c.fits(x, ofSubject("subject"))
	}
	read := true
	if x := attrs["body"]; x != nil {
		r.body, read = c.body(t, x)
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		if read && f.Required && !slices.ContainsFunc(r.body, func(m bodyRule) bool { return m.field == f }) {
			c.fault(b.DefRange(), fmt.Sprintf("%s lacks %s", t.Name, f.Name), "The event requires it: %s. Add it to body.", f.Doc)
		}
	}
	if x := attrs["ecs"]; x != nil {
		r.fields = c.fields(x, "")
	}
	own := r.fields
	for _, f := range common {
		if !slices.ContainsFunc(own, func(o fieldRule) bool { return slices.Equal(o.path, f.path) }) {
			r.fields = append(r.fields, f)
		}
	}
	r.implied(t, c.m.Vendor)
	slices.SortFunc(r.fields, func(a, b fieldRule) int { return slices.Compare(a.path, b.path) })
	for i := 1; i < len(r.fields); i++ {
		f, before := &r.fields[i], r.fields[i-1].path
		for int(f.same) < min(len(before), len(f.path)) && before[f.same] == f.path[f.same] {
			f.same++
		}
		if slices.Equal(before, f.path) {
			c.fault(b.DefRange(), fmt.Sprintf("field %s given twice", f.name), "Give it once.")
		}
	}
	c.m.events = append(c.m.events, r)
}

func eventNames() []string {
	var names []string
	for _, t := range event.Types() {
		if t.Family != "ssf" && t.Dialect == "" {
			names = append(names, t.Name)
		}
	}
	return names
}

// body compiles the payload, member by member, against its definition.
func (c *compiler) body(t *event.Type, x hclsyntax.Expression) (rules []bodyRule, ok bool) {
	o, ok := x.(*hclsyntax.ObjectConsExpr)
	if !ok {
		c.fault(x.Range(), "unsuitable body", "Write an object, { member = value, … }.")
		return nil, false
	}
	for _, it := range o.Items {
		name, ok := keyOf(it.KeyExpr)
		if !ok {
			c.fault(it.KeyExpr.Range(), "computed member", "Write the names of a payload's members as they are.")
			continue
		}
		i := slices.IndexFunc(t.Fields, func(f event.Field) bool { return f.Name == name })
		if i < 0 {
			var known []string
			for _, f := range t.Fields {
				known = append(known, f.Name)
			}
			c.fault(it.KeyExpr.Range(), fmt.Sprintf("%s has no member %q", t.Name, name), "%s Fields that it does not define go to ecs.", nearest.Advice(name, known, "members"))
			continue
		}
		f := &t.Fields[i]
		c.fits(it.ValueExpr, ofMember(f))
		if slices.ContainsFunc(rules, func(r bodyRule) bool { return r.name == name }) {
			c.fault(it.KeyExpr.Range(), fmt.Sprintf("member %q given twice", name), "Once is enough.")
		}
		rules = append(rules, bodyRule{name, strictjson.Quote(name), f, c.expr(it.ValueExpr)})
	}
	return rules, true
}

// fields compiles document fields, whose names are dotted, nested or both.
func (c *compiler) fields(x hclsyntax.Expression, prefix string) []fieldRule {
	o, ok := x.(*hclsyntax.ObjectConsExpr)
	if !ok {
		c.fault(x.Range(), "unsuitable fields", `Write an object, { "host.name" = value, … }.`)
		return nil
	}
	var rules []fieldRule
	for _, it := range o.Items {
		name, ok := keyOf(it.KeyExpr)
		if !ok {
			c.fault(it.KeyExpr.Range(), "computed field", `Write the names of fields as they are, such as "host.name".`)
			continue
		}
		if prefix != "" {
			name = prefix + "." + name
		}
		f, known := document.Lookup(name)
		if _, nested := it.ValueExpr.(*hclsyntax.ObjectConsExpr); nested && !known {
			rules = append(rules, c.fields(it.ValueExpr, name)...)
			continue
		}
		switch {
		case !known:
			c.fault(it.KeyExpr.Range(), fmt.Sprintf("unknown field %q", name), "%s signalbox fields lists them.", nearest.Advice(name, settable(), "fields"))
			continue
		case !document.Settable(name) || !f.Streams.Has(document.AlertStream):
			c.fault(it.KeyExpr.Range(), fmt.Sprintf("field %q cannot be set by a mapping", name), "The product fills it in, or documents of alerts do not have it.")
			continue
		}
		rule := newField(f, c.expr(it.ValueExpr))
		c.fits(it.ValueExpr, ofField(&rule))
		rules = append(rules, rule)
	}
	return rules
}

func newField(f document.Field, val expr) fieldRule {
	path := strings.Split(f.Name, ".")
	return fieldRule{
		val: val, names: quoted(path), related: int8(relatedTo(f.Name)), gathers: path[0] == "related",
		multi: f.Multi, typ: fieldTypes[f.Type], path: path, name: f.Name,
	}
}

// settable are the fields that mappings may set.
func settable() []string {
	var names []string
	for _, f := range document.Fields() {
		if document.Settable(f.Name) && f.Streams.Has(document.AlertStream) {
			names = append(names, f.Name)
		}
	}
	return names
}

// gathered are the fields whose values are identifiers to search by.
var gathered = map[string]string{
	"source.ip": "ip", "destination.ip": "ip", "client.ip": "ip", "host.ip": "ip",
	"host.name": "hosts", "host.hostname": "hosts", "host.id": "hosts", "device.id": "hosts", "device.serial_number": "hosts",
	"user.id": "user", "user.name": "user", "user.email": "user", "user.full_name": "user",
	"user.target.id": "user", "user.target.name": "user", "user.target.email": "user",
}

// relatedTo is the number, plus one, of the field under related that gathers the
// values of a field; 0 if none does.
func relatedTo(name string) int {
	kind, ok := strings.CutPrefix(name, "related.")
	switch {
	case ok:
	case strings.Contains(name, ".hash."):
		kind = "hash"
	default:
		kind = gathered[name]
	}
	return 1 + slices.Index(relatedNames[:], kind)
}
