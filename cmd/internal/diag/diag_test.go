package diag

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var update = flag.Bool("update", false, "write the goldens anew")

const source = "listen = \"127.0.0.1:8086\"\n" +
	"\temit \"session-revoked\" { to = [\"downstraem\"] }\n" +
	"naïve = \"größe\" oops\n" +
	"bell = \"\x07\"\n" +
	"a = <<E\n"

func sample() List {
	l := List{
		{Summary: "unknown sink \"downstraem\"", Detail: "Did you mean \"downstream\"?\nThe sinks are downstream and record.",
			Place: Place{"config.hcl", Range{2, 33, 2, 45}}, Context: "action \"revoke-session\""},
		{Summary: "no policies", Severity: Warning, Detail: "Add a policies block."},
		{Summary: "missing newline", Place: Place{"config.hcl", Range{3, 17, 3, 21}}},
		{Summary: "over several lines", Place: Place{"config.hcl", Range{1, 10, 3, 2}}},
		{Summary: "control character", Place: Place{"config.hcl", Range{4, 9, 4, 10}}},
		{Summary: "at the end", Place: Place{"config.hcl", Range{6, 1, 6, 1}}},
		{Summary: "past the end", Place: Place{"config.hcl", Range{60, 1, 60, 1}}},
		{Summary: "of a whole file", Severity: Warning, Place: Place{File: "signals/a.rego"}},
	}
	l.Sort()
	l.Attach("config.hcl", []byte(source))
	return l
}

func TestGolden(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"plain.txt":  func(b *bytes.Buffer) error { return Style{}.Write(b, sample()) },
		"color.txt":  func(b *bytes.Buffer) error { return Style{Color: true}.Write(b, sample()[:2]) },
		"list.json":  func(b *bytes.Buffer) error { return WriteJSON(b, sample()) },
		"empty.json": func(b *bytes.Buffer) error { return WriteJSON(b, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			golden := "testdata/" + name
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want)
			}
		})
	}
}

func TestJSONIsJSON(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, sample()); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Valid        bool  `json:"valid"`
		ErrorCount   int   `json:"error_count"`
		WarningCount int   `json:"warning_count"`
		Diagnostics  []any `json:"diagnostics"`
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Valid || doc.ErrorCount != 6 || doc.WarningCount != 2 || len(doc.Diagnostics) != 8 {
		t.Errorf("document is %+v", doc)
	}
}

func TestSortOnce(t *testing.T) {
	at := func(line, column int) Place { return Place{"f", Range{line, column, line, column + 1}} }
	l := List{{Summary: "c", Place: at(2, 1)}, {Summary: "b", Place: at(1, 9)}, {Summary: "c", Place: at(2, 1)}, {Summary: "a"}, {Severity: Warning, Summary: "c", Place: at(2, 1)}}
	l.Sort()
	var got []string
	for _, d := range l {
		got = append(got, d.Summary+"/"+d.Severity.String())
	}
	if want := "a/error b/error c/error c/warning"; strings.Join(got, " ") != want {
		t.Errorf("order is %q, want %q", got, want)
	}
}

func TestListAsError(t *testing.T) {
	var err error = sample()
	var l List
	if !errors.As(err, &l) || err.Error() != "config.hcl:1:10: over several lines (and 5 more errors)" {
		t.Errorf("error is %q", err)
	}
	for want, l := range map[string]List{
		"no problems":          nil,
		"1 error":              {{}},
		"2 warnings":           {{Severity: Warning}, {Severity: Warning}},
		"6 errors, 2 warnings": sample(),
	} {
		if got := l.Verdict(); got != want {
			t.Errorf("verdict is %q, want %q", got, want)
		}
	}
}

func TestLongLine(t *testing.T) {
	text := strings.Repeat("x", 1000) + "HERE" + strings.Repeat("y", 1000)
	s := snippet([]byte(text), Range{1, 1001, 1, 1005})
	if got := []rune(s.Code); len(got) > longestLine || string(got[s.Start:s.End]) != "HERE" {
		t.Errorf("snippet is %+v", s)
	}
}

func TestFromHCL(t *testing.T) {
	_, diags := hclsyntax.ParseConfig([]byte("a = \nb = 1\n"), "x.hcl", hcl.InitialPos)
	l := FromHCL(append(diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "URL is odd."}))
	if len(l) != 2 || l[0].Summary != "invalid expression" || l[0].At() != "x.hcl:1:5" || l[1].Summary != "URL is odd" || l[1].Severity != Warning || l[1].At() != "" {
		t.Errorf("list is %+v", l)
	}
}

func TestLocated(t *testing.T) {
	d := Located("warning", "odd", "Look.", Place{"a.rego", Range{2, 1, 2, 4}}, "one\ntwo\n")
	if d.Severity != Warning || d.Snippet == nil || d.Snippet.Code != "two" || d.Snippet.End != 3 {
		t.Errorf("diagnostic is %+v", d)
	}
}

func TestStyleFor(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if StyleFor(f).Color {
		t.Error("colours in a file")
	}
	t.Setenv("NO_COLOR", "1")
	if StyleFor(os.Stdout).Color {
		t.Error("colours in spite of NO_COLOR")
	}
}

// Any range over any text gives a snippet that can be rendered.
func FuzzSnippet(f *testing.F) {
	f.Add([]byte(source), 2, 33, 2, 45)
	f.Add([]byte("\xff\xfe\n\t"), 1, 2, 9, 9)
	f.Add([]byte(strings.Repeat("x", 500)), 1, 400, 1, 2)
	f.Fuzz(func(t *testing.T, text []byte, line, column, endLine, endColumn int) {
		if line > 10_000 {
			line = 10_000
		}
		l := List{{Summary: "s", Place: Place{"f", Range{line, column, endLine, endColumn}}}}
		l.Attach("f", text)
		if s := l[0].Snippet; s != nil && (s.Start < 0 || s.End < s.Start || s.End > len([]rune(s.Code)) || strings.ContainsAny(s.Code, "\n\r\x1b")) {
			t.Fatalf("snippet is %+v", s)
		}
		var b bytes.Buffer
		if err := (Style{Color: true}).Write(&b, l); err != nil {
			t.Fatal(err)
		}
	})
}
