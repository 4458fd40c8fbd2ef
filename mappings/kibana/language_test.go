package kibana

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// What is written in KQL and EQL here is evaluated by the subset of both that the
// tables use; anything else is an error. Fields of several values match by any of
// them. It is not Kibana: it shows what a text says, not how Kibana reads it.

// seen is a document.
type seen struct {
	at time.Time
	v  strictjson.Value
}

func see(t *testing.T, text []byte) seen {
	t.Helper()
	v, err := strictjson.Parse(text, strictjson.Limits{})
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	d := seen{v: v}
	if d.at, err = time.Parse(time.RFC3339Nano, d.first("@timestamp")); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d
}

// values are those of a field, as text.
func (d seen) values(field string) (list []string) {
	v := d.v.Get(field)
	if !v.Exists() {
		v = d.v.Get(strings.Split(field, ".")...)
	}
	add := func(v strictjson.Value) {
		switch v.Kind() {
		case strictjson.Missing, strictjson.Null:
		case strictjson.String:
			list = append(list, v.Text())
		default:
			list = append(list, string(v.Raw()))
		}
	}
	if v.Kind() != strictjson.Array {
		add(v)
		return list
	}
	for e := range v.Elements() {
		add(e)
	}
	return list
}

// first is the first value of a field, "" without one.
func (d seen) first(field string) string {
	if list := d.values(field); len(list) > 0 {
		return list[0]
	}
	return ""
}

// condition is a KQL query, or what stands behind where in EQL.
type condition func(seen) bool

var tokens = regexp.MustCompile(`\s+|"[^"]*"|==|!=|>=|<=|[():<>,*]|[@A-Za-z0-9_.-]+`)

// parse reads a condition.
func parse(t *testing.T, text string) condition {
	t.Helper()
	p := parser{t: t, text: text}
	rest := tokens.ReplaceAllStringFunc(text, func(token string) string {
		if strings.TrimSpace(token) != "" {
			p.left = append(p.left, token)
		}
		return ""
	})
	if rest != "" {
		t.Fatalf("%q in %s is not understood", rest, text)
	}
	c := p.or()
	if len(p.left) > 0 {
		t.Fatalf("%q is left of %s", p.left, text)
	}
	return c
}

type parser struct {
	t    *testing.T
	text string
	left []string
}

// take takes the next token if it is one of those.
func (p *parser) take(any ...string) string {
	if len(p.left) == 0 || !slices.Contains(any, p.left[0]) {
		return ""
	}
	return p.next()
}

func (p *parser) next() string {
	if len(p.left) == 0 {
		p.t.Fatalf("%s ends too soon", p.text)
	}
	token := p.left[0]
	p.left = p.left[1:]
	return token
}

func (p *parser) or() condition {
	list := []condition{p.and()}
	for p.take("or") != "" {
		list = append(list, p.and())
	}
	return func(d seen) bool { return slices.ContainsFunc(list, func(c condition) bool { return c(d) }) }
}

func (p *parser) and() condition {
	list := []condition{p.one()}
	for p.take("and") != "" {
		list = append(list, p.one())
	}
	return func(d seen) bool { return !slices.ContainsFunc(list, func(c condition) bool { return !c(d) }) }
}

func (p *parser) one() condition {
	if p.take("not") != "" {
		c := p.one()
		return func(d seen) bool { return !c(d) }
	}
	if p.take("(") != "" {
		c := p.or()
		p.close()
		return c
	}
	field, op := p.next(), p.next()
	switch {
	case op == ":" && p.take("*") != "", op == "!=" && p.take("null") != "":
		return func(d seen) bool { return len(d.values(field)) > 0 }
	case op == ":" || op == "==" || op == "in":
		want := p.list()
		return func(d seen) bool {
			return slices.ContainsFunc(d.values(field), func(v string) bool { return slices.Contains(want, v) })
		}
	case op == ">=" || op == ">" || op == "<" || op == "<=":
		limit, err := strconv.ParseFloat(p.next(), 64)
		if err != nil {
			p.t.Fatalf("%v in %s", err, p.text)
		}
		return func(d seen) bool {
			return slices.ContainsFunc(d.values(field), func(v string) bool {
				n, err := strconv.ParseFloat(v, 64)
				return err == nil && (n > limit && op[0] == '>' || n < limit && op[0] == '<' || n == limit && len(op) == 2)
			})
		}
	}
	p.t.Fatalf("%q in %s is not understood", op, p.text)
	return nil
}

func (p *parser) close() {
	if p.take(")") == "" {
		p.t.Fatalf("a parenthesis of %s is not closed", p.text)
	}
}

// list is one value, or several in parentheses.
func (p *parser) list() (list []string) {
	several := p.take("(") != ""
	for {
		text := p.next()
		if value, ok := strings.CutPrefix(text, `"`); ok {
			text = strings.TrimSuffix(value, `"`)
		} else if _, err := strconv.ParseFloat(text, 64); err != nil && text != "true" && text != "false" {
			p.t.Fatalf("%s in %s is no value", text, p.text)
		}
		list = append(list, text)
		if !several {
			return list
		}
		if p.take("or", ",") == "" {
			p.close()
			return list
		}
	}
}

// sequence is an EQL text of two steps.
type sequence struct {
	by      string
	within  time.Duration
	first   condition
	then    condition
	missing bool // the second must not come
}

var sequenceForm = regexp.MustCompile(`^sequence by (\S+) with maxspan=(\d+[smh])\s+\[any where (.*)\]\s+(!?)\[any where (.*)\]$`)

func parseSequence(t *testing.T, text string) sequence {
	t.Helper()
	m := sequenceForm.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("%s is not understood", text)
	}
	within, err := time.ParseDuration(m[2])
	if err != nil {
		t.Fatal(err)
	}
	return sequence{m[1], within, parse(t, m[3]), parse(t, m[5]), m[4] == "!"}
}

// matches lists the subjects for which it is found, in the order of documents.
func (s sequence) matches(docs []seen) (subjects []string) {
	for i, d := range docs {
		who := d.first(s.by)
		if who == "" || !s.first(d) {
			continue
		}
		followed := slices.ContainsFunc(docs[i+1:], func(o seen) bool {
			return o.first(s.by) == who && o.at.Sub(d.at) <= s.within && s.then(o)
		})
		if followed != s.missing {
			subjects = append(subjects, who)
		}
	}
	return subjects
}

func TestLanguage(t *testing.T) {
	d := see(t, []byte(`{"@timestamp":"2026-02-03T10:00:00Z","event":{"severity":73,"category":["iam","session"]},"user":{"name":"jane"}}`))
	for text, want := range map[string]bool{
		`user.name : "jane"`: true, `user.name : "Jane"`: false, `user.name : *`: true, `host.id : *`: false, `host.id != null`: false,
		`event.category : ("host" or "session")`: true, `event.category in ("host", "session")`: true, `event.category == "host"`: false,
		`event.severity >= 73`: true, `event.severity > 73`: false, `event.severity <= 73`: true, `event.severity < 74`: true, `event.severity : 73`: true,
		`not user.name : "jane"`: false, `user.name : "x" or user.name : "jane" and event.severity > 1`: true,
		`(user.name : "jane" or user.name : "x") and host.id : *`: false,
	} {
		if got := parse(t, text)(d); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
}

// fires says how often a rule makes an alert of documents; those before are what
// was seen long ago.
func (r rule) fires(t *testing.T, docs, before []seen) int {
	t.Helper()
	if r.kind == "eql" {
		return len(parseSequence(t, r.query).matches(docs))
	}
	query := parse(t, r.query)
	groups, found, n := map[string]map[string]bool{}, map[string]int{}, 0
	for _, d := range docs {
		if !query(d) {
			continue
		}
		n++
		key := ""
		for _, f := range r.fields {
			if key += "\x00" + d.first(f); d.first(f) == "" {
				key = ""
				break
			}
		}
		if key == "" {
			continue
		}
		if groups[key] == nil {
			groups[key] = map[string]bool{}
		}
		groups[key][d.first(r.distinct)] = true
		found[key]++
	}
	switch r.kind {
	case "query":
		return n
	case "threshold":
		alerts := 0
		for key, different := range groups {
			delete(different, "")
			if r.distinct == "" && found[key] >= r.least || r.distinct != "" && len(different) >= r.least {
				alerts++
			}
		}
		return alerts
	case "new_terms":
		for _, d := range before {
			delete(found, "\x00"+d.first(r.fields[0]))
		}
		return len(found)
	}
	panic(fmt.Sprintf("kibana: rule of kind %s", r.kind))
}
