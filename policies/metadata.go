package policies

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"go.yaml.in/yaml/v3"
)

// block is one METADATA comment with the places of its values.
type block struct {
	file string
	row  int // of the METADATA line; line n of the text is row+n of the file
	root *yaml.Node
	end  int // last row
}

// blocksOf reads every METADATA block of a module as text of its own, because
// the parser ignores in silence what it does not know or what is indented, and
// keeps no places of values.
func blocksOf(r *report, file string, m *ast.Module) []*block {
	var blocks []*block
	for i, c := range m.Comments {
		if strings.TrimSpace(string(c.Text)) != "METADATA" {
			if near := strings.ToUpper(strings.Trim(string(c.Text), " \t:")); near == "METADATA" {
				r.errorf(at(c.Location), "write it as # METADATA", "a METADATA block that would be ignored")
			}
			continue
		}
		if c.Location.Col != 1 {
			r.errorf(at(c.Location), "begin the block in the first column", "an indented METADATA block would be ignored")
			continue
		}
		b := &block{file: file, row: c.Location.Row, end: c.Location.Row}
		var text bytes.Buffer
		for _, line := range m.Comments[i+1:] {
			if line.Location.Row != b.end+1 || line.Location.Col != 1 || ast.IsMetadataComment(line) {
				break
			}
			b.end++
			text.Write(bytes.TrimPrefix(line.Text, []byte(" ")))
			text.WriteByte('\n')
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(text.Bytes(), &doc); err != nil {
			// The parser has met the same text and said where it is wrong.
			continue
		}
		if len(doc.Content) == 1 {
			b.root = doc.Content[0]
		}
		if b.root == nil || b.root.Kind != yaml.MappingNode {
			r.errorf(at(c.Location), "give at least a title", "an empty METADATA block")
			continue
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// place is where a value of the block stands.
func (b *block) place(n *yaml.Node) place {
	col := n.Column + 2
	return place{b.file, b.row + n.Line, col, col + max(1, len(n.Value))}
}

// fields checks the members of a mapping against the known ones and returns
// them by name.
func (b *block) fields(r *report, n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		r.errorf(b.place(n), "", "%s must be a mapping of names to values", what)
		return found
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			r.errorf(b.place(key), didYouMean(key.Value, known), "unknown member %q of %s", key.Value, what)
		case found[key.Value] != nil:
			r.errorf(b.place(key), "", "member %q of %s is given twice", key.Value, what)
		default:
			found[key.Value] = value
		}
	}
	return found
}

// text reads a string value.
func (b *block) text(r *report, n *yaml.Node, what string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.errorf(b.place(n), "", "%s must be text", what)
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// texts reads a list of strings.
func (b *block) texts(r *report, n *yaml.Node, what string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.errorf(b.place(n), "write it as [a, b]", "%s must be a list", what)
		return nil
	}
	var list []*yaml.Node
	for _, e := range n.Content {
		if e.Kind != yaml.ScalarNode || e.Value == "" {
			r.errorf(b.place(e), "", "%s must be a list of names", what)
			continue
		}
		list = append(list, e)
	}
	return list
}

// yamlLine begins a parse error of a METADATA block, with a line that counts
// within the block; the error's location is the file's.
var yamlLine = regexp.MustCompile(`^yaml: (line \d+: )?`)

// unsafeVar is what the compiler says of a name without a value; the hidden copy
// of a body has a # in its name.
var unsafeVar = regexp.MustCompile(`^var (\S+) is unsafe in rule `)

// inPlain says what the compiler means by its terms.
func inPlain(summary, detail string) (string, string) {
	if m := unsafeVar.FindStringSubmatch(summary); m != nil {
		return m[1] + " has no value here", "it is misspelt, or nothing gives it a value: assign it with := before"
	}
	switch {
	case summary == "unexpected eof token":
		return "the file ends too early", "close what is open: {, (, [ or a string"
	case summary == "empty module":
		return "the file is empty", "a rule begins with a METADATA block and its package"
	case strings.HasPrefix(summary, "`contains` keyword is required"), strings.HasPrefix(summary, "`if` keyword is required"):
		return summary, "rules are Rego v1: write actions contains {...} if { ... }"
	case strings.Contains(summary, "future.keywords.and"):
		return "unexpected and", "write each condition on a line of its own: all of them must hold"
	case summary == "unexpected or token":
		return "unexpected or", `write x in {"a", "b"}, or a second body: one of them must hold`
	case summary == "plus: invalid argument(s)":
		return summary, `+ adds numbers; texts are joined in a template: $"{a} and {b}"`
	case strings.HasPrefix(summary, "undefined function data.lib."):
		return summary, "no function of lib has that name: see the files in lib, and import data.lib.<name>"
	}
	if strings.HasPrefix(summary, "undefined function ") && detail == "" {
		return summary, "it is misspelt, or not for rules: they have no network, clock, randomness or files; input.now is the time"
	}
	return summary, detail
}

// parseProblems reports the errors of parsing or compiling.
func parseProblems(r *report, file string, err error) {
	var list ast.Errors
	var single *ast.Error
	switch {
	case errors.As(err, &list):
	case errors.As(err, &single):
		list = ast.Errors{single}
	default:
		r.errorf(place{file: file}, "", "%v", err)
		return
	}
	for _, e := range list {
		if e.Location == nil {
			r.errorf(place{file: file}, "", "%s", e.Message)
			continue
		}
		summary, detail, _ := strings.Cut(e.Message, "\n")
		if yamlLine.MatchString(summary) {
			summary = "METADATA cannot be read: " + yamlLine.ReplaceAllString(summary, "")
			detail = "comments inside the block begin with #, values with : or # are quoted"
			if strings.Contains(summary, "cannot start any token") {
				detail = "indent with spaces: a tab cannot stand there; " + detail
			}
		}
		if strings.HasPrefix(summary, "expected METADATA block") {
			detail = "every line from # METADATA to what it is about begins with #; an empty one ends the block"
		}
		if _, parsing := e.Details.(*ast.ParserErrorDetail); !parsing && e.Details != nil && detail == "" {
			detail = strings.Join(e.Details.Lines(), ", ")
		}
		summary, detail = inPlain(summary, detail)
		p := at(e.Location)
		if p.file == "" {
			p.file = file
		}
		r.errorf(p, strings.TrimSpace(detail), "%s", summary)
	}
}
