package mappings

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// kinds are those that the value of an expression may have, whatever the record.
// Any value may be absent as well, so the empty set means that it always is.
type kinds uint8

const (
	booleans kinds = 1 << boolean
	numbers  kinds = 1 << number
	texted   kinds = 1 << text
	moments  kinds = 1 << moment
	lists    kinds = 1 << list
	objects  kinds = 1 << object
	scalars        = booleans | numbers | texted | moments
	anything       = scalars | lists | objects
)

// String names the kinds as people do.
func (k kinds) String() string {
	var names []string
	for one := boolean; one <= object; one++ {
		if k&(1<<one) != 0 {
			names = append(names, one.String())
		}
	}
	return strings.Join(names, " or ")
}

// gives is what functions give; of those that give one of their arguments see
// outcomes.
var gives = map[string]kinds{
	"account": objects, "account_id": texted, "account_uri": objects, "address": texted, "after": texted, "aliases": objects,
	"band": anything, "bool": booleans, "clean": anything, "coalesce": anything, "complex": objects, "contains": booleans,
	"deadline": numbers, "distinct": lists, "email": objects, "ends_with": booleans, "enum": texted, "epoch": numbers,
	"file_name": texted, "file_path": texted, "first": anything, "has": booleans, "hashes": lists, "ip": texted, "ips": lists,
	"is": booleans, "iss_sub": objects, "join": texted, "json": anything, "kebab": texted, "keys": lists, "last": anything,
	"length": numbers, "list": lists, "lower": texted, "mac": texted, "machine": booleans, "max": numbers | texted | moments,
	"merge_by": lists, "min": numbers | texted | moments, "number": numbers, "opaque": objects, "pairs": objects,
	"phone_number": objects, "public_ip": texted, "regex": texted, "replace": texted, "round": numbers, "scale": numbers,
	"sha256": texted, "short_host": texted, "split": lists, "starts_with": booleans, "tactics": lists, "techniques": lists,
	"text": texted, "time": moments, "trim": texted, "upper": texted,
}

// kindsOf tells which kinds an expression may give.
func (c *compiler) kindsOf(x hclsyntax.Expression) (k kinds) {
	if all := outcomes(x); len(all) != 1 || all[0] != x {
		for _, one := range all {
			k |= c.kindsOf(one)
		}
		return k
	}
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		if v, ok := literalValue(x); ok && v.kind != absent {
			return 1 << v.kind
		}
		return 0
	case *hclsyntax.TemplateExpr:
		return texted
	case *hclsyntax.TupleConsExpr, *hclsyntax.SplatExpr:
		return lists
	case *hclsyntax.ObjectConsExpr:
		return objects
	case *hclsyntax.ForExpr:
		if x.KeyExpr != nil {
			return objects
		}
		return lists
	case *hclsyntax.UnaryOpExpr:
		if x.Op == hclsyntax.OpLogicalNot {
			return booleans
		}
		return numbers
	case *hclsyntax.BinaryOpExpr:
		switch x.Op {
		case hclsyntax.OpAdd, hclsyntax.OpSubtract, hclsyntax.OpMultiply, hclsyntax.OpDivide:
			return numbers
		}
		return booleans
	case *hclsyntax.FunctionCallExpr:
		if k, ok := gives[x.Name]; ok {
			return k
		}
	case *hclsyntax.ScopeTraversalExpr:
		return c.kindsOfName(x.Traversal)
	}
	return anything
}

func (c *compiler) kindsOfName(t hcl.Traversal) kinds {
	if c.variable(t.RootName()) >= 0 {
		return anything
	}
	path, rest := names(t[1:])
	switch {
	case t.RootName() == "index":
		return numbers
	case t.RootName() == "meta" && slices.Equal(path, []string{"received"}), t.RootName() == "meta" && slices.Equal(path, []string{"made"}):
		return moments
	case t.RootName() == "meta":
		return texted
	case t.RootName() == "local" && len(path) == 1 && len(rest) == 0:
		if n, ok := c.m.localAt[path[0]]; ok && n < len(c.locals) {
			return c.locals[n]
		}
	}
	return anything
}

// outcomes are the expressions of which one gives the value: those of a choice,
// and the arguments of functions that give one of them.
func outcomes(x hclsyntax.Expression) []hclsyntax.Expression {
	switch x := x.(type) {
	case *hclsyntax.ParenthesesExpr:
		return outcomes(x.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return outcomes(x.Wrapped)
	case *hclsyntax.ConditionalExpr:
		return append(outcomes(x.TrueResult), outcomes(x.FalseResult)...)
	case *hclsyntax.FunctionCallExpr:
		switch {
		case x.ExpandFinal || len(x.Args) == 0:
		case x.Name == "clean":
			return outcomes(x.Args[0])
		case x.Name == "coalesce":
			var all []hclsyntax.Expression
			for _, a := range x.Args {
				all = append(all, outcomes(a)...)
			}
			return all
		case x.Name == "band":
			var all []hclsyntax.Expression
			for _, a := range x.Args[1:] {
				t, ok := a.(*hclsyntax.TupleConsExpr)
				if !ok || len(t.Exprs) != 2 {
					return []hclsyntax.Expression{x}
				}
				all = append(all, outcomes(t.Exprs[1])...)
			}
			return all
		}
	}
	return []hclsyntax.Expression{x}
}

// literalValue is the value of an expression of nothing but literals.
func literalValue(x hclsyntax.Expression) (value, bool) {
	switch x := x.(type) {
	case *hclsyntax.ParenthesesExpr:
		return literalValue(x.Expression)
	case *hclsyntax.UnaryOpExpr:
		if v, ok := literalValue(x.Val); ok && v.kind == number && x.Op == hclsyntax.OpNegate {
			f, _ := v.float()
			return floatOf(-f), true
		}
	}
	if !literal(x) {
		return value{}, false
	}
	alone := compiler{m: new(Mapping), kept: map[string]int{}}
	v := alone.expr(x)(new(env))
	return v, len(alone.diags) == 0
}
