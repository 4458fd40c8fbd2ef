package mappings

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

// Function is one function of the mapping language, for its documentation.
type Function struct {
	Name string
	Args string // as in a call: "value, pattern"
	Doc  string // what it gives, one sentence

	least, most int                // arguments; most -1: any number
	nothing     *value             // what it gives for a single argument that is absent, if it is always the same
	text        func(string) value // of a function of one text, which has no run
	run         func(*env, []value) value
}

// Functions lists the functions, sorted by name.
func Functions() []Function {
	list := slices.Collect(maps.Values(functions))
	list = append(list, special...)
	slices.SortFunc(list, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// functions are those that work on values alone.
var functions = func() map[string]Function {
	all := map[string]Function{}
	nothing := map[string]*value{"length": nil, "clean": {}, "max": {}, "min": {}, "time": {}, "aliases": {}}
	for _, name := range []string{"list", "distinct", "hashes", "ips", "techniques", "tactics", "keys"} {
		nothing[name] = &emptyList
	}
	for _, part := range [][]Function{textFunctions, listFunctions, numberFunctions, timeFunctions, identityFunctions, subjectFunctions} {
		for _, f := range part {
			if none, ok := nothing[f.Name]; ok {
				f.nothing = none
			} else if f.most == 1 {
				f.nothing = new(value)
			}
			all[f.Name] = f
		}
	}
	return all
}()

// special are those that need something of the mapping.
var special = []Function{
	{Name: "enum", Args: `"name", value…`, Doc: "The member of the enum that the first present value belongs to, case aside; unknown, counted, if it belongs to none."},
	{Name: "regex", Args: `"pattern", value`, Doc: "The first group of a match (RE2), the whole match without groups, absent without a match."},
}

func (c *compiler) call(x *hclsyntax.FunctionCallExpr) expr {
	if x.ExpandFinal {
		return c.fault(x.Range(), "unsupported call", "Leave out the three dots; functions of several values take lists too.")
	}
	switch x.Name {
	case "enum":
		return c.enum(x)
	case "regex":
		return c.regex(x)
	}
	if f := c.test(x); f != nil {
		return answer(f)
	}
	f, ok := functions[x.Name]
	if !ok {
		known := []string{}
		for _, f := range Functions() {
			known = append(known, f.Name)
		}
		return c.fault(x.NameRange, fmt.Sprintf("unknown function %q", x.Name), "%s", nearest.Advice(x.Name, known, "functions"))
	}
	if n := len(x.Args); n < f.least || f.most >= 0 && n > f.most {
		return c.fault(x.Range(), fmt.Sprintf("wrong number of arguments for %s", x.Name), "It is called as %s(%s).", f.Name, f.Args)
	}
	args := make([]expr, len(x.Args))
	for i, a := range x.Args {
		args[i] = c.expr(a)
	}
	c.constantsOf(x, &f)
	if x.Name == "coalesce" { // the later ones are computed only when they are wanted
		return func(e *env) value {
			for _, a := range args {
				if v := a(e); !nullLike(v) && !v.empty() {
					return v
				}
			}
			return value{}
		}
	}
	if of := f.text; of != nil {
		arg := args[0]
		return func(e *env) value {
			v := arg(e)
			if v.kind == absent {
				return value{}
			}
			s, ok := e.given(v).string()
			if !ok {
				return value{}
			}
			return of(s)
		}
	}
	run := f.run
	if len(args) == 1 { // nothing is made of nothing, mostly
		arg, nothing := args[0], f.nothing
		return func(e *env) value {
			v := arg(e)
			if v.kind == absent && nothing != nil {
				return *nothing
			}
			base := len(e.stack)
			e.push(e.given(v))
			out := run(e, e.stack[base:])
			e.stack = e.stack[:base]
			return out
		}
	}
	return func(e *env) value {
		base := len(e.stack)
		for _, a := range args {
			e.push(e.given(a(e))) // which may use the stack itself
		}
		out := run(e, e.stack[base:])
		e.stack = e.stack[:base]
		return out
	}
}

// test compiles calls that give true or false and that mappings are full of, so
// that it pays to spare them the arguments. It is nil for others.
func (c *compiler) test(x *hclsyntax.FunctionCallExpr) cond {
	if x.ExpandFinal || len(x.Args) == 0 {
		return nil
	}
	if x.Name == "has" && len(x.Args) == 1 {
		of := c.expr(x.Args[0])
		return func(e *env) bool {
			v := of(e)
			return !nullLike(v) && !v.empty()
		}
	}
	if test := textTests[x.Name]; test != noTest && len(x.Args) > 1 {
		if words, ok := c.constants(x.Args[1:]); ok {
			return anyOf(c.expr(x.Args[0]), words, test)
		}
	}
	return nil
}

// constants are the texts of arguments that are all constant.
func (c *compiler) constants(args []hclsyntax.Expression) (words []string, ok bool) {
	for _, a := range args {
		v, ok := c.constantValue(a)
		word, isText := v.string()
		if !ok || !isText {
			return nil, false
		}
		words = append(words, word)
	}
	return words, true
}

// anyOf tests against words that are known beforehand.
func anyOf(of expr, words []string, test textTest) cond {
	one := func(e *env, v value) bool {
		s, ok := v.string()
		e.work(len(words) * (elementWork + 2*len(s)))
		if ok {
			for _, w := range words {
				if test.holds(s, w) {
					return true
				}
			}
		}
		return false
	}
	return func(e *env) bool {
		v := of(e)
		if v.kind != list {
			return v.kind != absent && one(e, v)
		}
		for _, x := range e.elements(v) {
			if one(e, x) {
				return true
			}
		}
		return false
	}
}

// enum compiles a look-up in one of the mapping's enums.
func (c *compiler) enum(x *hclsyntax.FunctionCallExpr) expr {
	if len(x.Args) < 2 {
		return c.fault(x.Range(), "wrong number of arguments for enum", `It is called as enum("name", value).`)
	}
	name, ok := constant(x.Args[0])
	if !ok {
		return c.fault(x.Args[0].Range(), "computed name of an enum", `Write its name in quotes, as in enum("severity", raw.severity).`)
	}
	table, ok := c.m.enums[name]
	if !ok {
		return c.fault(x.Args[0].Range(), fmt.Sprintf("unknown enum %q", name), "%s",
			nearest.Advice(name, slices.Sorted(maps.Keys(c.m.enums)), "enums of this mapping"))
	}
	args := make([]expr, len(x.Args)-1)
	for i, a := range x.Args[1:] {
		args[i] = c.expr(a)
	}
	return func(e *env) value {
		for _, a := range args {
			v := a(e)
			s, ok := v.string()
			e.work(len(s))
			if !ok {
				if !v.empty() {
					e.note(Note{Kind: UnknownValue, Name: name, Value: v.kind.String()})
				}
				continue
			}
			if member, known := table[fold(s)]; known {
				return textOf(member)
			}
			if n, whole := v.whole(); whole { // 4.0 is 4
				if member, known := table[n]; known {
					return textOf(member)
				}
			}
			if nullLike(v) {
				continue
			}
			e.note(Note{Kind: UnknownValue, Name: name, Value: s})
			return textOf("unknown")
		}
		return value{}
	}
}

// fold makes what an enum compares.
func fold(s string) string { return lower(strings.TrimSpace(s)) }

// maxPattern bounds a pattern's length.
const maxPattern = 1000

// regexWork is how much dearer a byte is to a pattern than to other functions.
const regexWork = 16

func (c *compiler) regex(x *hclsyntax.FunctionCallExpr) expr {
	if len(x.Args) != 2 {
		return c.fault(x.Range(), "wrong number of arguments for regex", `It is called as regex("pattern", value).`)
	}
	pattern, ok := constant(x.Args[0])
	if !ok || len(pattern) > maxPattern {
		return c.fault(x.Args[0].Range(), "computed pattern", "Write the pattern in quotes, so that it is compiled once.")
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return c.fault(x.Args[0].Range(), "invalid pattern", "It is not a regular expression of RE2: %s.", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	arg := c.expr(x.Args[1])
	return func(e *env) value {
		s, ok := arg(e).string()
		if !ok {
			return value{}
		}
		e.work(regexWork * len(s))
		m := re.FindStringSubmatch(s)
		switch {
		case m == nil:
			return value{}
		case len(m) == 1:
			return textOf(m[0])
		}
		return textOf(m[1])
	}
}
