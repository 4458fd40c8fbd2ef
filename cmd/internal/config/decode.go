package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The decoder fills a struct from the body of a block by the struct's hcl tags:
//
//	hcl:"name"           attribute, required
//	hcl:"name,optional"  attribute
//	hcl:"name,block"     block: a pointer for at most one, a slice for any number
//	hcl:"name,label"     label of the block, in the order of the fields
//	hcl:",remain"        *hclsyntax.Body: what no other field takes
//
// What a field held before stays where the text is silent, so defaults are set
// beforehand. The decoder differs from gohcl where it matters here: it reads
// durations, knows which values came from outside, remembers where every value
// stands, and reports all problems in file order.

// spot is where a field stands and what was read for it.
type spot struct {
	at     hcl.Range // of the value, or the header of a block
	text   string    // a string attribute's value
	flag   bool      // a bool attribute's value
	hidden bool      // came from outside: must not be shown
}

// spots maps the path of a field, such as push.authorization or emit[1].to, to
// its spot. A path with "#" names a label: sink[0]#kind.
type spots map[string]spot

// find returns the spot of a path; for a field that is not in the text, the
// spot of the nearest block round it.
func (s spots) find(path string) spot {
	for path != "" {
		if at, ok := s[path]; ok {
			return at
		}
		path = path[:max(0, strings.LastIndexAny(path, ".[#"))]
	}
	return s[""]
}

// field is a field of a struct the decoder may fill.
type field struct {
	name  string
	kind  string // "", optional, block, label, remain
	index int
}

// fields lists the tagged fields of a struct type.
func fields(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("hcl")
		if !ok {
			continue
		}
		name, kind, _ := strings.Cut(tag, ",")
		all = append(all, field{name, kind, i})
	}
	return all
}

// body fills the fields of v from the body of the block at path.
func (l *loader) body(body *hclsyntax.Body, v reflect.Value, path string) {
	var attributes, blocks []string
	for _, f := range fields(v.Type()) {
		switch f.kind {
		case "label":
		case "remain":
			v.Field(f.index).Set(reflect.ValueOf(body))
			return
		case "block":
			blocks = append(blocks, f.name)
			l.blocks(body, v.Field(f.index), f.name, join(path, f.name))
		default:
			attributes = append(attributes, f.name)
			if attr := body.Attributes[f.name]; attr != nil {
				l.attribute(attr, v.Field(f.index), f, join(path, f.name))
			} else if f.kind == "" {
				l.missing(l.spots.find(path).at, f.name)
			}
		}
	}
	l.unknown(body, attributes, blocks)
}

// unknown reports what a body holds beside the known attributes and blocks.
func (l *loader) unknown(body *hclsyntax.Body, attributes, blocks []string) {
	for name, attr := range body.Attributes {
		if slices.Contains(attributes, name) {
			continue
		}
		if slices.Contains(blocks, name) {
			l.faultf(attr.NameRange, fmt.Sprintf("%q is a block", name), "Write %s { ... } without an equals sign.", name)
			continue
		}
		l.fault(attr.NameRange, fmt.Sprintf("unknown attribute %q", name), suggest(name, attributes, "attributes"))
	}
	for _, b := range body.Blocks {
		if slices.Contains(blocks, b.Type) {
			continue
		}
		if slices.Contains(attributes, b.Type) {
			l.faultf(b.TypeRange, fmt.Sprintf("%q is an attribute", b.Type), "Write %s = ... with an equals sign.", b.Type)
			continue
		}
		l.fault(b.TypeRange, fmt.Sprintf("unknown block %q", b.Type), suggest(b.Type, blocks, "blocks"))
	}
}

func (l *loader) missing(at hcl.Range, name string) {
	l.faultf(at, fmt.Sprintf("missing attribute %q", name), "Add %s = ... to this block.", name)
}

// blocks decodes all blocks of one type into a struct pointer or a slice.
func (l *loader) blocks(body *hclsyntax.Body, into reflect.Value, name, path string) {
	first := 0
	for _, b := range body.Blocks {
		switch {
		case b.Type != name:
		case into.Kind() == reflect.Slice:
			l.block(b, into, path+"["+strconv.Itoa(into.Len())+"]")
		case first > 0:
			l.faultf(b.TypeRange, fmt.Sprintf("second block %q", name), "One is enough; the first is on line %d.", first)
		default:
			first = b.TypeRange.Start.Line
			l.block(b, into, path)
		}
	}
}

// block decodes one block and stores or appends it.
func (l *loader) block(b *hclsyntax.Block, into reflect.Value, path string) {
	v := reflect.New(into.Type().Elem())
	if into.Kind() == reflect.Pointer && !into.IsNil() {
		v = into // keep its defaults
	}
	var labels []field
	for _, f := range fields(v.Elem().Type()) {
		if f.kind == "label" {
			labels = append(labels, f)
		}
	}
	if !l.labelled(b, labels) {
		return
	}
	l.spots[path] = spot{at: header(b)}
	for i, f := range labels {
		v.Elem().Field(f.index).SetString(b.Labels[i])
		l.spots[path+"#"+f.name] = spot{at: b.LabelRanges[i]}
	}
	l.body(b.Body, v.Elem(), path)
	if into.Kind() == reflect.Slice {
		into.Set(reflect.Append(into, v.Elem()))
	} else {
		into.Set(v)
	}
}

// labelled checks the number of a block's labels and that none is empty.
func (l *loader) labelled(b *hclsyntax.Block, names []field) bool {
	want := b.Type
	for _, n := range names {
		want += fmt.Sprintf(" %q", strings.ToUpper(n.name))
	}
	switch {
	case len(b.Labels) < len(names):
		l.faultf(b.TypeRange, fmt.Sprintf("missing %s of %s", names[len(b.Labels)].name, b.Type), "Write %s { ... }.", want)
		return false
	case len(b.Labels) > len(names):
		l.faultf(b.LabelRanges[len(names)], fmt.Sprintf("too many names for %s", b.Type), "Write %s { ... }.", want)
		return false
	}
	for i, label := range b.Labels {
		if strings.TrimSpace(label) == "" {
			l.faultf(b.LabelRanges[i], fmt.Sprintf("empty %s of %s", names[i].name, b.Type), "Write %s { ... }.", want)
			return false
		}
	}
	return true
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// sortedKeys gives the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
