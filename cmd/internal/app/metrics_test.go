package app_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.yaml.in/yaml/v3"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
)

// docs is the folder of the documentation.
const docs = "../../../docs"

// figure is what a scrape says of one metric.
type figure struct {
	kind, help string
	labels     map[string]bool
}

// figures runs a product through a signal, a refusal, a drill and a failed
// reload, and reads its metrics.
func figures(t *testing.T) map[string]*figure {
	t.Helper()
	s := newSite(t)
	broker := newKafka(t, kfake.SeedTopics(1, "sets")).ListenAddrs()[0]
	s.configure(fmt.Sprintf(`
issuer "https://remote.example.com" {
  jwks     = "https://127.0.0.1:1/jwks"
  audience = ["https://siem.example.com"]
}
source "kafka" "front" {
  brokers = [%q]
  group   = "signalbox"
  topic "sets" { verify = "set" }
}
issuer "https://127.0.0.1:1" {
  jwks     = "https://127.0.0.1:1/jwks"
  audience = ["https://siem.example.com"]
}
source "ssf" "feed" {
  issuer        = "https://127.0.0.1:1"
  transmitter   = "https://127.0.0.1:1"
  allow_private = true
  push {
    authorization = file("push.secret")
    endpoint_url  = "https://siem.example.com/ssf/feed/push"
  }
}
sink "ssf" "receivers" {
  issuer = "https://signals.example.com"
  receiver "app" {
    audience     = ["https://app.example.com"]
    token_sha256 = ["2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"]
    stream "main" {
      poll {}
    }
  }
}`, broker))
	a := s.open()
	for range 2 {
		push(t, a, s.token("metrics-1", "jane@example.com"))
	}
	push(t, a, []byte("no token"))
	settled(t, a)
	if _, err := api.Dial(filepath.Join(s.dir, "data")).Drill(t.Context(), api.DrillRequest{By: "tester"}); err != nil {
		t.Fatal(err)
	}
	s.write("rules/signals/broken.rego", "package")
	if _, err := a.Reload(t.Context(), "tester"); err == nil {
		t.Fatal("a broken rule was taken")
	}
	app.Provoke(a)
	var text string
	until(t, "the stream of the configuration", func() bool {
		text = scrape(t, a.MetricsAddr())
		return strings.Contains(text, `stream="app.main"`)
	})
	return readFigures(t, text)
}

var sample = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+$`)
var label = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"`)

func readFigures(t *testing.T, text string) map[string]*figure {
	t.Helper()
	found := map[string]*figure{}
	at := func(name string) *figure {
		if found[name] == nil {
			found[name] = &figure{labels: map[string]bool{}}
		}
		return found[name]
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, help, ok := strings.Cut(strings.TrimPrefix(line, "# HELP "), " "); ok && strings.HasPrefix(line, "# HELP ") {
			at(name).help = help
			continue
		}
		if name, kind, ok := strings.Cut(strings.TrimPrefix(line, "# TYPE "), " "); ok && strings.HasPrefix(line, "# TYPE ") {
			at(name).kind = kind
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a sample: %s", line)
		}
		name := m[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base, cut := strings.CutSuffix(name, suffix); cut && found[base] != nil && found[base].kind == "histogram" {
				name = base
			}
		}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			at(name).labels[l[1]] = true
		}
	}
	return found
}

// ruleFile is a file of alerts or recording rules.
type ruleFile struct {
	Groups []struct {
		Rules []struct {
			Alert, Record, Expr string
			Labels, Annotations map[string]string
		}
	}
}

func readRules(t *testing.T, name string) ruleFile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docs, "prometheus", name))
	if err != nil {
		t.Fatal(err)
	}
	var f ruleFile
	if err := yaml.Unmarshal(text, &f); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f
}

// exporters are labels every scrape adds, and metrics that Prometheus makes.
var (
	scraped = map[string]bool{"instance": true, "job": true}
	made    = map[string]bool{"up": true}
)

var (
	quoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	grouping = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	metric   = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	matcher  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)`)
	selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?`)
	ranges   = regexp.MustCompile(`\[[0-9a-z]+\]`)
	words    = []string{"sum", "rate", "increase", "time", "histogram_quantile", "and", "or", "unless", "max", "min"}
)

// checkExpr holds an expression against what is exported: every metric exists,
// with every label that is matched or grouped by. It knows the part of PromQL
// that our rules use and fails on what it does not.
func checkExpr(t *testing.T, where, expr string, known map[string]map[string]bool) {
	t.Helper()
	text := ranges.ReplaceAllString(quoted.ReplaceAllString(expr, `""`), "")
	var groups []string
	for _, m := range grouping.FindAllStringSubmatch(text, -1) {
		for l := range strings.SplitSeq(m[1], ",") {
			groups = append(groups, strings.TrimSpace(l))
		}
	}
	text = grouping.ReplaceAllString(text, "")
	used := map[string]bool{}
	for _, m := range selector.FindAllStringSubmatch(text, -1) {
		name := m[1]
		if slices.Contains(words, name) || made[name] {
			continue
		}
		labels, ok := known[name]
		if !ok {
			t.Errorf("%s: %q is not exported", where, name)
			continue
		}
		for l := range labels {
			used[l] = true
		}
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			if !labels[l[1]] && !scraped[l[1]] {
				t.Errorf("%s: %s has no label %q", where, name, l[1])
			}
		}
	}
	for _, l := range groups {
		if !used[l] && !scraped[l] {
			t.Errorf("%s: grouped by %q, which nothing in it has", where, l)
		}
	}
}

var templated = regexp.MustCompile(`\$labels\.([a-z_]+)`)

// TestPrometheusRules holds alerts and recording rules against a scrape of a
// running product, and every alert against its page.
func TestPrometheusRules(t *testing.T) {
	known := map[string]map[string]bool{}
	for name, f := range figures(t) {
		known[name] = f.labels
		if f.kind == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				known[name+suffix] = f.labels
			}
		}
	}
	recorded := readRules(t, "rules.yml")
	for _, g := range recorded.Groups {
		for _, r := range g.Rules {
			checkExpr(t, r.Record, r.Expr, known)
			labels := map[string]bool{}
			for _, m := range grouping.FindAllStringSubmatch(r.Expr, -1) {
				for l := range strings.SplitSeq(m[1], ",") {
					labels[strings.TrimSpace(l)] = true
				}
			}
			known[r.Record] = labels
		}
	}
	page, err := os.ReadFile(filepath.Join(docs, "operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range readRules(t, "alerts.yml").Groups {
		for _, r := range g.Rules {
			n++
			checkExpr(t, r.Alert, r.Expr, known)
			if !strings.Contains(string(page), "\n### "+r.Alert+"\n") {
				t.Errorf("%s has no page in operate.md", r.Alert)
			}
			if want := "/docs/operate.md#" + strings.ToLower(r.Alert); !strings.HasSuffix(r.Annotations["runbook_url"], want) {
				t.Errorf("%s: runbook_url %q does not end in %s", r.Alert, r.Annotations["runbook_url"], want)
			}
			if s := r.Labels["severity"]; s != "warning" && s != "critical" {
				t.Errorf("%s: severity %q", r.Alert, s)
			}
			for _, m := range templated.FindAllStringSubmatch(r.Annotations["summary"], -1) {
				l, has := m[1], scraped[m[1]]
				for _, name := range metric.FindAllString(quoted.ReplaceAllString(r.Expr, ""), -1) {
					has = has || known[name][l]
				}
				if !has {
					t.Errorf("%s: its summary names label %q, which nothing in it has", r.Alert, l)
				}
			}
		}
	}
	if pages := strings.Count(string(page), "\n### Signalbox"); n < 20 || pages != n {
		t.Errorf("%d alerts, %d pages", n, pages)
	}
}

// TestExpressionsAreChecked holds that the check above can fail.
func TestExpressionsAreChecked(t *testing.T) {
	known := map[string]map[string]bool{"signalbox_x_total": {"a": true}}
	for _, expr := range []string{`rate(signalbox_y_total[5m])`, `signalbox_x_total{b="1"}`, `sum by (c) (signalbox_x_total)`} {
		probe := &testing.T{}
		checkExpr(probe, "probe", expr, known)
		if !probe.Failed() {
			t.Errorf("%s passed", expr)
		}
	}
}

// TestMetricNames holds the exported names against the habits of Prometheus.
func TestMetricNames(t *testing.T) {
	for name, f := range figures(t) {
		if !strings.HasPrefix(name, "signalbox_") {
			continue
		}
		if f.help == "" || !strings.HasSuffix(f.help, ".") {
			t.Errorf("%s: help %q is not a sentence", name, f.help)
		}
		if counter := strings.HasSuffix(name, "_total"); counter != (f.kind == "counter") {
			t.Errorf("%s is a %s", name, f.kind)
		}
		if f.kind == "histogram" && !strings.HasSuffix(name, "_seconds") {
			t.Errorf("%s: a histogram without a unit", name)
		}
	}
}

// TestMetricTable keeps the table of docs/operate.md; go test -update writes it.
func TestMetricTable(t *testing.T) {
	const begin, end = "<!-- metrics -->\n", "<!-- end of metrics -->"
	found := figures(t)
	var b strings.Builder
	b.WriteString("| Metric | Labels | Meaning |\n| --- | --- | --- |\n")
	names := make([]string, 0, len(found))
	for name := range found {
		if strings.HasPrefix(name, "signalbox_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		labels := []string{}
		for l := range found[name].labels {
			if l != "le" {
				labels = append(labels, "`"+l+"`")
			}
		}
		slices.Sort(labels)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, strings.Join(labels, ", "), found[name].help)
	}
	path := filepath.Join(docs, "operate.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("operate.md has no place for the table")
	}
	want := head + begin + b.String() + end + tail
	if flag.Lookup("update").Value.String() == "true" { // declared beside the examples
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Errorf("the table of metrics in docs/operate.md is not what is exported; run go test ./cmd/internal/app -run TestMetricTable -update")
	}
}
