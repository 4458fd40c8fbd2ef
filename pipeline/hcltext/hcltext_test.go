package hcltext_test

import (
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/hcltext"
)

// TestAdvice: what other languages write is told in HCL's form, once a line.
func TestAdvice(t *testing.T) {
	const choice, loop, logic, equal, function = "condition ? value : other", "[for x in list : value", "&& and ||", "by ==", "call a function"
	for expression, say := range map[string]string{
		`if raw.x == 1 then "a" else "b"`:   choice,
		`if raw.x { "a" }`:                  choice,
		`"a" if raw.x == 1 else "b"`:        choice,
		`raw.x ? "a"`:                       choice,
		`for x in raw.list : x`:             loop,
		`[x.id for x in raw.list]`:          loop,
		`[for x of raw.list : x]`:           loop,
		`{for x in raw.list : x}`:           loop,
		`raw.list.map(x => x.id)`:           "called with its value",
		`[for x in raw.list if x.ok : x]`:   "condition goes last",
		`[for x in raw.list : x where x.k]`: "condition goes last",
		`raw.x and raw.y`:                   logic,
		`raw.x or raw.y`:                    logic,
		`not raw.x`:                         logic,
		`raw.x = "a"`:                       equal,
		`raw.x === "a"`:                     equal,
		`raw.x <> "a"`:                      equal,
		`raw.x in ["a"]`:                    function,
		`raw.x =~ "a"`:                      function,
		`raw.x is null`:                     function,
		`raw.x ?? "a"`:                      "coalesce(a, b)",
		`raw.x ?: "a"`:                      "coalesce(a, b)",
		`raw.x?.y`:                          "not there either",
		`${raw.x}`:                          "into a text in quotes",
		`raw.x | lower`:                     "called with its value",
		`raw.x.lower()`:                     "called with its value",
		`raw.@odata.type`:                   `value["@odata.type"]`,
		"raw.x\n  || raw.y":                 "round brackets",
		`lower(raw.x`:                       "closing bracket",
		`"abc`:                              "closing quote",
		`'abc'`:                             "double quotes",
	} {
		_, diags := hcltext.Parse("a.hcl", []byte("b {\n  a = {\n    title = "+expression+"\n  }\n}\n"))
		said := map[int]string{}
		for _, d := range diags {
			if line := d.Subject.Start.Line; said[line] != "" {
				t.Errorf("%s: line %d has a second problem: %s", expression, line, d.Detail)
			}
			said[d.Subject.Start.Line] = d.Detail
		}
		if len(diags) == 0 || !strings.Contains(diags[0].Detail, say) {
			t.Errorf("%s: %v does not say %q", expression, diags, say)
		}
	}
}

// TestByteOrderMark: editors that write one are served; elsewhere it is no character.
func TestByteOrderMark(t *testing.T) {
	body, diags := hcltext.Parse("a.hcl", []byte("\ufeffa = 1\nb = }\n"))
	if body == nil || body.Attributes["a"] == nil || len(diags) != 1 || diags[0].Subject.Start.Line != 2 {
		t.Errorf("%v, %v", body, diags)
	}
	if _, diags := hcltext.Parse("a.hcl", []byte("a = \ufeff1\n")); !diags.HasErrors() {
		t.Error("a mark within the text is taken")
	}
}

// TestDeep: the parser is recursive, and nothing deep reaches it.
func TestDeep(t *testing.T) {
	const n = 10_000
	for _, src := range []string{
		"a = " + strings.Repeat("(", n), "a = " + strings.Repeat("[", n), strings.Repeat("a {\n", n), "a = " + strings.Repeat(`"${`, n),
		"a = " + strings.Repeat("!", n) + "true", "a = " + strings.Repeat("-", n) + "1", "a = " + strings.Repeat("true ? 1 : ", n) + "1",
		"a = (" + strings.Repeat("!\n", n) + "true)", "a = " + strings.Repeat("true ? [1, 2] : ", n) + "1",
	} {
		if body, diags := hcltext.Parse("deep.hcl", []byte(src)); body != nil || len(diags) != 1 || diags[0].Summary != "nested too deeply" {
			t.Errorf("%.20s…: %v", src, diags)
		}
	}
	wide := "a = [" + strings.Repeat("-1, ", n) + "0]\nb = {\n" + strings.Repeat("  x = true ? 1 : -2\n", n) + "}\n"
	if _, diags := hcltext.Parse("wide.hcl", []byte(wide)); diags.HasErrors() && strings.Contains(diags.Error(), "deep") {
		t.Error(diags)
	}
}
