package config

import (
	"fmt"
	"math/big"
	"reflect"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/signalbox-dev/signalbox/pipeline"
)

var (
	secretType     = reflect.TypeFor[pipeline.Secret]()
	durationType   = reflect.TypeFor[time.Duration]()
	expressionType = reflect.TypeFor[hclsyntax.Expression]()
)

// attribute reads one attribute into a field.
func (l *loader) attribute(attr *hclsyntax.Attribute, into reflect.Value, f field, path string) {
	at := spot{at: attr.Expr.Range()}
	defer func() { l.spots[path] = at }()
	if into.Type() == expressionType {
		into.Set(reflect.ValueOf(attr.Expr))
		return
	}
	if isSecret(into.Type()) && !calls(attr.Expr) {
		r := reader{loader: l, name: f.name, at: at.at}
		r.secret(cty.NilVal, into)
		return
	}
	v, hidden, ok := l.evaluate(attr.Expr)
	at.hidden = hidden
	if !ok {
		return
	}
	if v.IsNull() {
		if f.kind == "" {
			l.missing(attr.SrcRange, f.name)
		}
		return
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	r := reader{loader: l, name: f.name, at: at.at, hidden: hidden}
	if !r.read(v, into) {
		return
	}
	switch into.Kind() {
	case reflect.String:
		at.text = into.String()
	case reflect.Bool:
		at.flag = into.Bool()
	case reflect.Slice:
		l.items(attr.Expr, into, hidden, path)
	}
}

// items remembers where the items of a list stand that is written out.
func (l *loader) items(e hclsyntax.Expression, list reflect.Value, hidden bool, path string) {
	tuple, ok := e.(*hclsyntax.TupleConsExpr)
	if !ok || len(tuple.Exprs) != list.Len() {
		return
	}
	for i, item := range tuple.Exprs {
		at := spot{at: item.Range(), hidden: hidden}
		if v := list.Index(i); v.Kind() == reflect.String {
			at.text = v.String()
		}
		l.spots[fmt.Sprintf("%s[%d]", path, i)] = at
	}
}

// reader reads the value of one attribute.
type reader struct {
	*loader
	name   string // of the attribute
	at     hcl.Range
	hidden bool
}

// read stores a value in a field of a type the decoder knows; an unknown type
// is a mistake of the programmer.
func (r *reader) read(v cty.Value, into reflect.Value) bool {
	if v.IsNull() {
		r.faultf(r.at, fmt.Sprintf("%s holds null", r.name), "Leave the value out instead.")
		return false
	}
	switch t := into.Type(); {
	case t == secretType:
		return r.secret(v, into)
	case t == durationType:
		return r.duration(v, into)
	}
	switch into.Kind() {
	case reflect.String:
		if !r.want(v, cty.String, "text in quotes") {
			return false
		}
		into.SetString(v.AsString())
	case reflect.Bool:
		if !r.want(v, cty.Bool, "true or false") {
			return false
		}
		into.SetBool(v.True())
	case reflect.Int, reflect.Int64:
		return r.integer(v, into)
	case reflect.Float64:
		if !r.want(v, cty.Number, "a number") {
			return false
		}
		n, _ := v.AsBigFloat().Float64()
		into.SetFloat(n)
	case reflect.Slice:
		return r.list(v, into)
	case reflect.Map:
		return r.object(v, into)
	default:
		panic(fmt.Sprintf("config: field for %q has type %s, which the decoder does not know", r.name, into.Type()))
	}
	return true
}

// want checks the type of a value.
func (r *reader) want(v cty.Value, t cty.Type, words string) bool {
	if v.Type() == t {
		return true
	}
	r.faultf(r.at, fmt.Sprintf("%s must be %s", r.name, words), "This is %s.", kindOf(v.Type()))
	return false
}

// kindOf names the kind of a value for people.
func kindOf(t cty.Type) string {
	switch {
	case t == cty.String:
		return "text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "a truth value"
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "an object"
	}
	return "nothing of that kind"
}

func (r *reader) secret(v cty.Value, into reflect.Value) bool {
	if !r.hidden {
		r.faultf(r.at, "secret written in the configuration",
			"Move it to an environment variable or a file of its own and write %s = env(\"NAME\") or %[1]s = file(\"path\").", r.name)
		return false
	}
	if !r.want(v, cty.String, "text") {
		return false
	}
	if v.AsString() == "" {
		r.faultf(r.at, "empty secret", "The environment variable or file that %s names holds nothing.", r.name)
		return false
	}
	into.SetString(v.AsString())
	return true
}

func (r *reader) duration(v cty.Value, into reflect.Value) bool {
	if v.Type() != cty.String {
		r.fault(r.at, r.name+" must be a duration", howDuration)
		return false
	}
	d, ok := parseDuration(v.AsString())
	if !ok {
		r.fault(r.at, "invalid duration"+quoted(v.AsString(), r.hidden), howDuration)
		return false
	}
	into.SetInt(int64(d))
	return true
}

func (r *reader) integer(v cty.Value, into reflect.Value) bool {
	if v.Type() == cty.String && !r.hidden {
		if n, ok := parseBytes(v.AsString()); ok {
			r.faultf(r.at, r.name+" must be a number", "Write %d, or bytes(%q) for a size.", n, v.AsString())
			return false
		}
	}
	if !r.want(v, cty.Number, "a number") {
		return false
	}
	n, accuracy := v.AsBigFloat().Int64()
	if accuracy != big.Exact || into.OverflowInt(n) {
		r.fault(r.at, r.name+" must be a whole number", "It is not whole, or too large.")
		return false
	}
	into.SetInt(n)
	return true
}

func (r *reader) list(v cty.Value, into reflect.Value) bool {
	if !v.Type().IsTupleType() {
		r.faultf(r.at, r.name+" must be a list", "This is %s. Write [...], also for a single value.", kindOf(v.Type()))
		return false
	}
	all := reflect.MakeSlice(into.Type(), 0, v.LengthInt())
	for _, e := range v.AsValueSlice() {
		item := reflect.New(into.Type().Elem()).Elem()
		if !r.read(e, item) {
			return false
		}
		all = reflect.Append(all, item)
	}
	into.Set(all)
	return true
}

func (r *reader) object(v cty.Value, into reflect.Value) bool {
	if !v.Type().IsObjectType() {
		r.faultf(r.at, r.name+" must be an object", "This is %s. Write { name = value }.", kindOf(v.Type()))
		return false
	}
	all := reflect.MakeMap(into.Type())
	members := v.AsValueMap()
	for _, name := range sortedKeys(members) {
		item := reflect.New(into.Type().Elem()).Elem()
		if !r.read(members[name], item) {
			return false
		}
		all.SetMapIndex(reflect.ValueOf(name), item)
	}
	into.Set(all)
	return true
}
