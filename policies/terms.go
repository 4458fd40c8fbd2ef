package policies

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// keyTerms are the evaluator's terms for the member names of the contract, made
// once and shared: nobody writes to the map or the terms.
var keyTerms = func() map[string]*ast.Term {
	m := map[string]*ast.Term{}
	var walk func(*shape)
	walk = func(s *shape) {
		if s == nil {
			return
		}
		for name, member := range s.members {
			if m[name] == nil {
				m[name] = ast.StringTerm(name)
			}
			walk(member)
		}
		walk(s.items)
	}
	walk(contract)
	return m
}()

// toValue builds the evaluator's form of a JSON value.
func toValue(v strictjson.Value) ast.Value {
	switch v.Kind() {
	case strictjson.Bool:
		return ast.Boolean(v.Bool())
	case strictjson.Number:
		return ast.Number(v.Number())
	case strictjson.String:
		return ast.String(v.Text())
	case strictjson.Array:
		list := make([]*ast.Term, 0, v.Len())
		for e := range v.Elements() {
			list = append(list, ast.NewTerm(toValue(e)))
		}
		return ast.NewArray(list...)
	case strictjson.Object:
		pairs := make([][2]*ast.Term, 0, v.Len())
		for name, e := range v.Members() {
			key := keyTerms[name]
			if key == nil {
				key = ast.StringTerm(name)
			}
			pairs = append(pairs, [2]*ast.Term{key, ast.NewTerm(toValue(e))})
		}
		return ast.NewObject(pairs...)
	}
	return ast.Null{}
}

// fromValue builds the Go form of a result. Numbers that are equal come out
// equal, however they were written.
func fromValue(v ast.Value) any {
	switch v := v.(type) {
	case ast.Boolean:
		return bool(v)
	case ast.String:
		return string(v)
	case ast.Number:
		return number(v)
	case *ast.Array:
		list := make([]any, 0, v.Len())
		v.Foreach(func(t *ast.Term) { list = append(list, fromValue(t.Value)) })
		return list
	case ast.Set:
		list := make([]any, 0, v.Len())
		v.Foreach(func(t *ast.Term) { list = append(list, fromValue(t.Value)) })
		return list
	case ast.Object:
		m := make(map[string]any, v.Len())
		v.Foreach(func(k, e *ast.Term) {
			if name, ok := k.Value.(ast.String); ok {
				m[string(name)] = fromValue(e.Value)
			} else {
				m[k.String()] = fromValue(e.Value)
			}
		})
		return m
	}
	return nil
}

func number(n ast.Number) any {
	if i, ok := n.Int64(); ok {
		return json.Number(strconv.FormatInt(i, 10))
	}
	if f, ok := n.Float64(); ok && strings.ContainsAny(string(n), ".eE") {
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
	}
	return json.Number(n) // an integer too long for 64 bits
}
