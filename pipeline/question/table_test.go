package question

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// TestTable: every question can be asked as it stands, and no column is named
// that is not there.
func TestTable(t *testing.T) {
	if len(All()) != 15 {
		t.Errorf("there are %d questions", len(All()))
	}
	names := map[string]bool{}
	for _, q := range All() {
		if names[q.Name] || !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(q.Name) {
			t.Errorf("the name %q is no name or is there twice", q.Name)
		}
		names[q.Name] = true
		if !strings.HasSuffix(q.Ask, "?") || !strings.HasSuffix(q.Doc, ".") {
			t.Errorf("%s: %q, %q", q.Name, q.Ask, q.Doc)
		}
		values := map[string]string{}
		for _, p := range q.Params {
			if p.Doc == "" || p.Required() && p.Example == "" {
				t.Errorf("%s: parameter %+v is not described", q.Name, p)
			}
			if p.Required() {
				values[p.Name] = p.Example
			}
		}
		values, err := q.Check(values)
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
		}
		parse := func(text string) {
			t.Helper()
			if _, err := fill(text, values); err != nil {
				t.Errorf("%s: %s: %v", q.Name, text, err)
			}
		}
		ways := 0
		if q.Timeline != "" {
			ways++
			if _, err := query.Timeline(q.Timeline, values[q.Timeline]); err != nil {
				t.Errorf("%s: %v", q.Name, err)
			}
		}
		if q.Chain != "" {
			ways++
			if _, ok := q.Param(q.Chain); !ok {
				t.Errorf("%s has no parameter %s", q.Name, q.Chain)
			}
		}
		if c := q.Count; c != nil {
			ways++
			parse(c.Query)
			checkColumns(t, q, c)
		}
		if s := q.Sequence; s != nil {
			ways++
			parse(s.First.Query)
			parse(s.Then.Query)
			if p, _ := q.Param(s.Within); p.Kind != Duration {
				t.Errorf("%s: within is %+v", q.Name, p)
			}
			fields := []string{s.By}
			for _, f := range slices.Concat(s.First.Show, s.Then.Show) {
				fields = append(fields, f.Field)
			}
			for _, f := range fields {
				if _, ok := document.Lookup(f); !ok {
					t.Errorf("%s: unknown field %s", q.Name, f)
				}
			}
		}
		if ways != 1 {
			t.Errorf("%s is answered in %d ways", q.Name, ways)
		}
	}
}

func checkColumns(t *testing.T, q Question, c *Count) {
	t.Helper()
	a := query.Aggregation{By: c.By}
	have := slices.Clone(c.By)
	known := func(name string) {
		t.Helper()
		if !slices.Contains(have, strings.TrimPrefix(name, "-")) {
			t.Errorf("%s: column %s is not there yet", q.Name, name)
		}
	}
	for _, f := range c.Figures {
		if f.Metric != "" {
			m, err := query.ParseMetric(f.Metric)
			if err != nil {
				t.Errorf("%s: %v", q.Name, err)
			}
			a.Metrics = append(a.Metrics, m)
		}
		for _, name := range []string{f.Since, f.Part, f.Whole, f.Status} {
			if name != "" {
				known(name)
			}
		}
		have = append(have, f.Name)
	}
	if _, err := a.Normalize(); err != nil {
		t.Errorf("%s: %v", q.Name, err)
	}
	for _, all := range c.Keep {
		for _, cond := range all {
			known(cond.Column)
			values, _ := q.Check(nil)
			if _, err := cond.limit(values); err != nil || !slices.Contains([]string{"=", ">", "<"}, cond.Op) {
				t.Errorf("%s: condition %+v: %v", q.Name, cond, err)
			}
		}
	}
	for _, name := range slices.Concat(c.Order, c.Hide) {
		known(name)
	}
	if p, ok := q.Param(c.Every); c.Every != "" && (!ok || p.Kind != Interval) {
		t.Errorf("%s: every is %+v", q.Name, p)
	}
}

// TestTexts: the texts for Kibana name no field that the templates do not have,
// and leave no parameter open.
func TestTexts(t *testing.T) {
	quoted := regexp.MustCompile(`"[^"]*"`)
	name := regexp.MustCompile(`@timestamp|[a-z_]+(\.[a-z0-9_]+)+`)
	named := 0
	for _, q := range All() {
		if q.ESQL == "" && q.EQL == "" || q.KQL == "" {
			t.Errorf("%s cannot be asked in Kibana", q.Name)
		}
		for _, text := range []string{q.ESQL, q.EQL, q.KQL} {
			text = quoted.ReplaceAllString(q.Example(text), `""`)
			if strings.ContainsAny(text, "{}") {
				t.Errorf("%s leaves a parameter open: %s", q.Name, text)
			}
			for _, line := range strings.Split(text, "\n") {
				if from, ok := strings.CutPrefix(line, "FROM "); ok {
					for _, index := range strings.Split(from, ", ") {
						stream, ok := strings.CutPrefix(strings.TrimSuffix(index, "-*"), "logs-")
						if !ok || stream != "ssf.*" && !document.Streams(63).Has(stream) {
							t.Errorf("%s: unknown index %s", q.Name, index)
						}
					}
					continue
				}
				for _, f := range name.FindAllString(line, -1) {
					if named++; !document.Templated(f) {
						t.Errorf("%s names %s, which no template has", q.Name, f)
					}
				}
			}
		}
	}
	if named < 100 {
		t.Errorf("the texts name fields %d times", named)
	}
}

func TestStatusOf(t *testing.T) {
	for _, s := range statuses {
		if got := statusOf(s.Rank()); got != string(s) {
			t.Errorf("rank %d of %s is %v", s.Rank(), s, got)
		}
	}
	if statusOf(1000) != nil {
		t.Error("an unknown rank has a status")
	}
}

func TestQuote(t *testing.T) {
	for _, v := range []string{`a"b`, `a\`, `x" OR *`, "*"} {
		q, err := fill("user.name:{user}", map[string]string{"user": v})
		m, ok := q.Root().(query.Match)
		if err != nil || !ok || m.Value != v {
			t.Errorf("%s becomes %s, %v", v, q, err)
		}
	}
}
