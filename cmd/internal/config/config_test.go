package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/connectors"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// testEnv is the environment of the files in testdata.
func testEnv(name string) (string, bool) {
	value, ok := map[string]string{
		"PUSH_SECRET": "Bearer correct-horse-battery",
		"EMPTY":       "",
		"SHORT":       "abc",
		"NOT_A_URL":   "ftp://hidden-host.example.com/",
	}[name]
	return value, ok
}

// glob gives the names of files of which there must be some.
func glob(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files like %s: %v", pattern, err)
	}
	return names
}

var expectation = regexp.MustCompile(`# (ERROR|WARNING): (.*)$`)

// expected reads the expectations of a file: a comment on the line it is about.
func expected(t *testing.T, file string) []string {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, line := range strings.Split(string(src), "\n") {
		if m := expectation.FindStringSubmatch(line); m != nil {
			want = append(want, fmt.Sprintf("%d: %s: %s", i+1, strings.ToLower(m[1]), m[2]))
		}
	}
	return want
}

// Each file in testdata/errors has one mistake, each in testdata/warnings
// something to think about; each says so on the line in question.
func TestMistakes(t *testing.T) {
	for _, file := range append(glob(t, "testdata/errors/*.hcl"), glob(t, "testdata/warnings/*.hcl")...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want := expected(t, file)
			if len(want) == 0 {
				t.Fatal("the file expects nothing")
			}
			cfg, list := Load(file, testEnv)
			if cfg == nil {
				t.Fatal("no Config")
			}
			var got []string
			for _, d := range list {
				got = append(got, fmt.Sprintf("%d: %s: %s", d.Range.Line, d.Severity, d.Summary))
				if d.File != file {
					t.Errorf("%q is about file %q", d.Summary, d.File)
				}
				if d.Detail == "" || !strings.HasSuffix(strings.TrimRight(d.Detail, `"`), ".") && !strings.HasSuffix(d.Detail, "?") {
					t.Errorf("%q does not say in sentences what to do: %q", d.Summary, d.Detail)
				}
				if d.Snippet == nil || d.Snippet.End <= d.Snippet.Start && d.Range.Column > len(d.Snippet.Code)+1 {
					t.Errorf("%q marks nothing: %+v", d.Summary, d.Snippet)
				}
			}
			ids := map[string]string{"emit-deprecated.hcl": "EVT-29", "source-issuer.hcl": "SSF-RX-02"}[filepath.Base(file)]
			req.Equal(t, ids, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		})
	}
}

func TestValid(t *testing.T) {
	for _, file := range glob(t, "testdata/valid/*.hcl") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if _, list := Load(file, testEnv); len(list) > 0 {
				t.Errorf("%s: %s (%s)", list[0].At(), list[0].Summary, list[0].Detail)
			}
		})
	}
}

// What stands in the repository's config.hcl as a default is the default.
func TestShippedFile(t *testing.T) {
	const file = "../../../config.hcl"
	noVariables := func(name string) (string, bool) {
		t.Errorf("asks for the environment variable %s", name)
		return "", false
	}
	cfg, list := Load(file, noVariables)
	if len(list) > 0 {
		t.Fatalf("%s: %s (%s)", list[0].At(), list[0].Summary, list[0].Detail)
	}
	empty := defaults(file, filepath.Dir(file))
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"listen", cfg.Listen, empty.Listen},
		{"data_dir", cfg.DataDir, empty.DataDir},
		{"seen_for", cfg.SeenFor, empty.SeenFor},
		{"guards", cfg.Guards, empty.Guards},
		{"journal", cfg.Journal, empty.Journal},
		{"limits", cfg.Limits, empty.Limits},
		{"quarantine", cfg.Quarantine, empty.Quarantine},
		{"policies", fmt.Sprint(cfg.Policies), fmt.Sprint(empty.Policies)},
		{"rules", cfg.Issuers[0].Rules, defaultRules},
		{"algorithms", fmt.Sprint(cfg.Issuers[0].Algorithms), fmt.Sprint(defaultAlgorithms)},
		{"min_rsa_bits", cfg.Issuers[0].MinRSABits, defaultMinRSABits},
		{"max_skew", cfg.Issuers[0].MaxSkew, defaultMaxSkew},
		{"max_age", cfg.Issuers[0].MaxAge, defaultMaxAge},
		{"merge", cfg.Actions["revoke-session"].Merge, empty.Actions["revoke-session"].Merge},
		{"valid_for", cfg.Actions["revoke-session"].ValidFor, empty.Actions["revoke-session"].ValidFor},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v in config.hcl, the default is %v", c.what, c.got, c.want)
		}
	}
	for name, a := range cfg.Actions {
		if len(a.Emits) > 0 && !a.Routed() {
			t.Errorf("action %q goes nowhere", name)
		}
	}
}

// The parts of config.hcl that are commented out are as right as the rest.
func TestShippedFileInFull(t *testing.T) {
	src, err := os.ReadFile("../../../config.hcl")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`^( *)# ((issuer|source|sink|notify|protect|do) .*\{|protect \{)$`)
	lines, open, indent := strings.Split(string(src), "\n"), false, ""
	for i, line := range lines {
		if m := block.FindStringSubmatch(line); m != nil && !open {
			open, indent = true, m[1]
		}
		if !open {
			continue
		}
		lines[i] = strings.TrimPrefix(strings.TrimPrefix(line, indent+"#"), " ")
		if line == indent+"# }" {
			open = false
		}
	}
	env := func(string) (string, bool) { return "a-secret-long-enough", true }
	cfg, list := Parse("config.hcl", ".", []byte(strings.Join(lines, "\n")), env)
	for _, d := range list {
		t.Errorf("%s: %s (%s)", d.At(), d.Summary, d.Detail)
	}
	if len(cfg.Actions["disable-account"].Dos) != 1 || cfg.Actions["disable-account"].Emits[0].After != 1 {
		t.Errorf("disable-account is %+v", cfg.Actions["disable-account"])
	}
	for kind := range connectors.Sources {
		if !slices.ContainsFunc(cfg.Sources, func(s Source) bool { return s.Kind == kind }) {
			t.Errorf("no source of kind %q is shown", kind)
		}
	}
	for kind := range connectors.Sinks {
		if !slices.ContainsFunc(cfg.Sinks, func(s Sink) bool { return s.Kind == kind }) {
			t.Errorf("no sink of kind %q is shown", kind)
		}
	}
	if len(cfg.Protect) != 1 {
		t.Errorf("%d protect blocks, want 1", len(cfg.Protect))
	}
}

// All problems come in one run, in the order of the file, with what could be
// built.
func TestAllAtOnce(t *testing.T) {
	src := `
listen = 8086
issuer "https://idp.example.com" {
  jwks     = "https://idp.example.com/jwks"
  audience = ["https://siem.example.com"]
  rules    = "sff"
}
sink "fiel" "out" {
  path = "out.jsonl"
}
sink "file" "kept" {
  path      = "kept.jsonl"
  authority = true
}
action "revoke-session" {
  emit "session-revokd" { to = ["out"] }
  emit "session-revoked" { to = ["out", "kpt", "kept"] }
}
`
	cfg, list := Parse("config.hcl", "/etc/signalbox", []byte(src), testEnv)
	want := []string{
		`config.hcl:2:10: listen must be text in quotes`,
		`config.hcl:6:14: unknown rule set "sff"`,
		`config.hcl:8:6: unknown kind of sink "fiel"`,
		`config.hcl:16:8: unknown event "session-revokd"`,
		`config.hcl:17:41: unknown sink "kpt"`,
	}
	var got []string
	for _, d := range list {
		got = append(got, d.At()+": "+d.Summary)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	if errors, _ := list.Count(); errors != len(want) || !list.HasErrors() {
		t.Errorf("%d errors counted, want %d", errors, len(want))
	}
	if cfg.DataDir != "/etc/signalbox/data" {
		t.Errorf("data_dir is %q", cfg.DataDir)
	}
	if len(cfg.Issuers) != 1 || len(cfg.Sinks) != 1 || !slices.Equal(cfg.Actions["revoke-session"].Emits[0].To, []string{"kept"}) {
		t.Errorf("what could be built is missing: %+v", cfg)
	}
}

// A block for a shipped action changes only what it mentions.
func TestActionOverShipped(t *testing.T) {
	src := `
sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "disable-account" {
  merge = "1m"
  emit "account-disabled" { to = ["out"] }
}
action "lock-badge" {
  emit "token-claims-change" {
    to   = ["out"]
    body = { claims = { badge = "locked" } }
  }
}
`
	cfg, list := Parse("config.hcl", ".", []byte(src), testEnv)
	if len(list) > 0 {
		t.Fatal(list)
	}
	a := cfg.Actions["disable-account"]
	if !a.Shipped || a.Merge != time.Minute || a.ValidFor != 24*time.Hour || a.ReversibleBy != "enable-account" || a.Place.Range.Line != 6 {
		t.Errorf("disable-account is %+v", a)
	}
	if a.Emits[0].Body != shippedOnce()["disable-account"].Emits[0].Body {
		t.Error("disable-account lost its shipped body")
	}
	if own := cfg.Actions["lock-badge"]; own.Shipped || own.ValidFor != defaultValidFor {
		t.Errorf("lock-badge is %+v", own)
	}
	if len(cfg.Actions) != 13 {
		t.Errorf("%d action types, want the 12 shipped and 1", len(cfg.Actions))
	}
	if again, _ := Parse("other.hcl", ".", nil, testEnv); again.Actions["disable-account"].Merge != 10*time.Minute {
		t.Error("one configuration changed the shipped actions of another")
	}
}

// TestDataDir: a folder is one of the folder of the file, be it named or not.
func TestDataDir(t *testing.T) {
	for src, want := range map[string]string{"": "try/data", `data_dir = "data"`: "try/data", `data_dir = "/var/lib/signalbox"`: "/var/lib/signalbox"} {
		cfg, list := Parse("try/config.hcl", "try", []byte(src), testEnv)
		if len(list) > 0 || filepath.ToSlash(cfg.DataDir) != want {
			t.Errorf("with %q data_dir is %q, not %q; %v", src, cfg.DataDir, want, list)
		}
	}
}

func TestUnrouted(t *testing.T) {
	asked := map[string][]string{"raise-risk": {"b", "a"}, "lower-risk": {"a"}, "revoke-session": {"a"}, "step-up": {"a"}, "unheard-of": {"a"}}
	const source = "\nsource \"file\" \"in\" { path = \"in.jsonl\" }\n"
	for src, want := range map[string]string{"": "", source: "there is no sink"} {
		cfg, list := Parse("config.hcl", ".", []byte(src), testEnv)
		if len(list) > 0 {
			t.Fatal(list)
		}
		said := ""
		for _, d := range cfg.Unrouted(asked) {
			said += d.Summary
		}
		if said != want {
			t.Errorf("with %q it says %q, not %q", src, said, want)
		}
	}
	src := "sink \"file\" \"out\" {\n  path = \"out.jsonl\"\n  authority = true\n}\naction \"raise-risk\" {\n  merge = \"1m\"\n}\naction \"revoke-session\" {\n  emit \"session-revoked\" { to = [\"out\"] }\n}" + source
	cfg, list := Parse("config.hcl", ".", []byte(src), testEnv)
	if len(list) > 0 {
		t.Fatal(list)
	}
	found := cfg.Unrouted(asked)
	var got []string
	for _, d := range found {
		got = append(got, d.At()+" "+d.Severity.String()+" "+d.Summary)
	}
	want := []string{`config.hcl:5:1 warning action "raise-risk" goes to no sink`, `config.hcl warning action "lower-risk" goes to no sink`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.Contains(found[0].Detail, "a and b") || !strings.Contains(found[0].Detail, `emit "risk-level-change" { to =`) {
		t.Errorf("detail is %q", found[0].Detail)
	}
	asked["restrict-access"] = []string{"c"}
	found = cfg.Unrouted(asked)
	if len(found) != 2 || found[1].Summary != "2 actions go to no sink" || found[1].At() != "config.hcl" ||
		!strings.Contains(found[1].Detail, "\n  lower-risk: a\n  restrict-access: c\n") || !strings.Contains(found[1].Detail, `action "lower-risk" {`) {
		t.Errorf("of actions that the file does not name it says %+v", found)
	}
	lines := []string{
		"It is recorded and not sent, though rules ask for it: a and b. signalbox check shows how to send.",
		"They are recorded and not sent, though rules ask for them: lower-risk for a; restrict-access for c. signalbox check shows how to send.",
	}
	for i, want := range lines {
		if got := found[i].Line(); got != want {
			t.Errorf("a log says %q, not %q", got, want)
		}
	}
}

func TestUnasked(t *testing.T) {
	src := "action \"revoke-sessions\" {}\naction \"restrict-acces\" {}\naction \"lock-badge\" {}\naction \"notify\" {}\n"
	cfg, list := Parse("config.hcl", ".", []byte(src), testEnv)
	if len(list) > 0 {
		t.Fatal(list)
	}
	found := cfg.Unasked(map[string][]string{"restrict-acces": {"own"}})
	if len(found) != 1 || found[0].At() != "config.hcl:1:1" || !strings.Contains(found[0].Detail, `"revoke-session"`) {
		t.Errorf("got %+v, want a warning of revoke-sessions alone", found)
	}
}

func TestLoadUnreadable(t *testing.T) {
	for name, path := range map[string]string{"absent": filepath.Join(t.TempDir(), "none.hcl"), "folder": t.TempDir()} {
		cfg, list := Load(path, testEnv)
		if cfg == nil || !list.HasErrors() || list[0].File != path {
			t.Errorf("%s: %+v", name, list)
		}
	}
	big := filepath.Join(t.TempDir(), "big.hcl")
	if err := os.WriteFile(big, []byte(strings.Repeat("#\n", largestFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, list := Load(big, testEnv); !list.HasErrors() || list[0].Summary != "configuration too large" {
		t.Errorf("too large: %+v", list)
	}
}

// The parser is recursive; nothing deep reaches it.
func TestDeep(t *testing.T) {
	for name, src := range map[string]string{
		"parentheses": "a = " + strings.Repeat("(", 10_000),
		"lists":       "a = " + strings.Repeat("[", 10_000),
		"blocks":      strings.Repeat("a {\n", 10_000),
		"templates":   "a = " + strings.Repeat(`"${`, 10_000),
		"not":         "a = " + strings.Repeat("!", 10_000) + "true",
		"minus":       "a = " + strings.Repeat("-", 10_000) + "1",
		"choice":      "a = " + strings.Repeat("true ? 1 : ", 10_000) + "1",
	} {
		if _, list := Parse("deep.hcl", ".", []byte(src), testEnv); len(list) != 1 || list[0].Summary != "nested too deeply" {
			t.Errorf("%s: %v", name, diag.List(list[:min(3, len(list))]))
		}
	}
}
