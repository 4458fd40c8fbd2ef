package mappings_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/mappings"
)

// TestNotes: what a mapping could not use is noted, with the name of what it is
// about.
func TestNotes(t *testing.T) {
	m, diags := mappings.Parse("try.hcl", []byte(`mapping "try" {
  title  = "t"
  vendor = "v"
  enum "severity" { high = ["5"] }
  event "alert" {
    time    = time(raw.at)
    subject = raw.user
    body    = { alert_id = raw.id, severity = enum("severity", raw.sev), risk_score = raw.score }
    ecs     = { "source.ip" = raw.ip }
  }
}`))
	if m == nil {
		t.Fatal(diags)
	}
	out, err := m.Try([]byte(`{"id":"1","sev":"6","user":"jane@example.com","score":"high","ip":"here"}`), noon)
	if err != nil || len(out.Events) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	var got []string
	for _, n := range out.Events[0].Notes {
		got = append(got, string(n.Kind)+":"+n.Name)
	}
	slices.Sort(got)
	want := []string{"dropped-field:source.ip", "dropped-member:risk_score", "subject-unusable:", "timestamp-fallback:", "unknown-value:severity"}
	if !slices.Equal(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
}

// TestNothingIsLostSilently: what a function could not use of a value is noted,
// with the value.
func TestNothingIsLostSilently(t *testing.T) {
	for expression, want := range map[string]string{
		`tactics("Persistence", "Malware", "credential_access")`:       "unknown-value:tactics:Malware",
		`tactics("TA0006, Made up; ta0003")`:                           "unknown-value:tactics:Made up",
		`tactics("see TA0006 (Credential Access)", raw.absent, "n/a")`: "",
		`tactics({a = 1})`: "unknown-value:tactics:an object",
		`pairs("{level=HIGH, reasons=A, B, level=LOW}")`:                "unreadable-text:pairs:level=LOW",
		`pairs("HIGH, level=LOW")`:                                      "unreadable-text:pairs:HIGH",
		`pairs("n/a")`:                                                  "",
		`json("{\"a\":1,\"a\":2}")`:                                     `unreadable-text:json:{"a":1,"a":2}`,
		`coalesce(json("plain text"), 1)`:                               "",
		`enum("level", { name = "high" })`:                              "unknown-value:level:an object",
		`complex({ user = "jane@example.com", device = opaque("d-1")})`: "subject-unusable::user: a text is no subject; write email(), opaque()…",
		`complex({ user = email(raw.absent) })`:                         "",
		`aliases(email("jane@example.com"), "jane")`:                    "subject-unusable::a text is no subject; write email(), opaque()…",
	} {
		m, diags := mappings.Parse("try.hcl", []byte(`mapping "try" {
  title  = "t"
  vendor = "v"
  enum "level" { high = ["high"] }
  event "alert" {
    time = meta.received
    body = { alert_id = "1", severity = "low" }
    ecs  = { vendor = { v = `+expression+` } }
  }
}`))
		if m == nil {
			t.Fatal(diags)
		}
		out, err := m.Try([]byte(`{}`), noon)
		if err != nil || len(out.Events) != 1 {
			t.Fatalf("%s: %+v, %v", expression, out, err)
		}
		var got []string
		for _, n := range out.Events[0].Notes {
			got = append(got, string(n.Kind)+":"+n.Name+":"+n.Value)
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("%s notes %q, want %q", expression, got, want)
		}
	}
}

// TestCoverage: fields that no expression names are told from those taken as
// one, and values that no enum lists are counted.
func TestCoverage(t *testing.T) {
	m, diags := mappings.Parse("try.hcl", []byte(`mapping "try" {
  title  = "t"
  vendor = "v"
  unwrap = ["page"]
  enum "severity" { high = ["5"] }
  skip "old" { when = raw.old == true }
  event "alert" {
    body = { alert_id = raw.Device.ID, severity = enum("severity", raw.sev), tactics = [for x in raw.list : x.t] }
  }
}`))
	if m == nil {
		t.Fatal(diags)
	}
	c := m.Coverage()
	for _, sample := range []string{
		`{"page":[{"device":{"id":"1","os":"x"},"sev":"6","list":[{"t":"a","u":"b"}],"more":[{"deep":null},{"deep":1}]},{"device":{"id":"2"},"sev":"6"}]}`,
		"{\"old\":true}\n{\"sev\":5}",
	} {
		if err := c.Add([]byte(sample), noon); err != nil {
			t.Fatal(err)
		}
	}
	r := c.Report()
	if r.Records != 4 || r.Events["alert"] != 2 || r.Skipped["old"] != 1 || len(r.Unmapped) != 1 {
		t.Errorf("%+v", r)
	}
	if want := []mappings.SeenField{{Path: "device.os", Count: 1, Example: `"x"`}, {Path: "more[].deep", Count: 1, Example: "1"}}; !slices.Equal(r.Untouched, want) {
		t.Errorf("untouched %+v", r.Untouched)
	}
	if len(r.Whole) != 1 || r.Whole[0].Path != "list" {
		t.Errorf("taken as one: %+v", r.Whole)
	}
	if want := []mappings.SeenNote{{Kind: mappings.UnknownValue, Name: "severity", Value: "6", Count: 2}}; !slices.Equal(r.Unknown, want) {
		t.Errorf("unknown %+v", r.Unknown)
	}
}
