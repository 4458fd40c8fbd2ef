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
    body    = { alert_id = raw.id, severity = enum("severity", raw.sev), risk_score = raw.score, tactics = raw.tactics }
    ecs     = { "source.ip" = raw.ip, "host.name" = raw.hosts }
  }
}`))
	if m == nil {
		t.Fatal(diags)
	}
	out, err := m.Try([]byte(`{"id":["1","2"],"sev":"6","user":"jane@example.com","score":"high","ip":"here","hosts":["a","b"],"tactics":["x",{}, {"a":1}]}`), noon)
	if err != nil || len(out.Events) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	var got []string
	for _, n := range out.Events[0].Notes {
		got = append(got, string(n.Kind)+":"+n.Name)
	}
	slices.Sort(got)
	want := []string{"dropped-field:host.name", "dropped-field:source.ip", "dropped-member:alert_id", "dropped-member:risk_score", "dropped-member:tactics", "subject-unusable:", "timestamp-fallback:", "unknown-value:severity"}
	if !slices.Equal(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
}

// TestNothingIsLostSilently: what a function could not use of a value is noted,
// with the value.
func TestNothingIsLostSilently(t *testing.T) {
	record := `{"name":"Malware","many":"TA0006, Made up; ta0003","na":"n/a","o":{"a":1},"twice":"{level=HIGH, reasons=A, B, level=LOW}",
		"late":"HIGH, level=LOW","same":[{"k":"a","v":1},{"k":"b","v":2},{"k":"a","v":3},{"k":"b","v":2}],"json":"{\"a\":1,\"a\":2}","user":"jane@example.com"}`
	for expression, want := range map[string]string{
		`tactics("Persistence", raw.name, "credential_access")`: "unknown-value:tactics:Malware",
		`tactics(raw.many)`: "unknown-value:tactics:Made up",
		`tactics("see TA0006 (Credential Access)", raw.absent, raw.na)`: "",
		`tactics(raw.o)`:                                      "unknown-value:tactics:an object",
		`pairs(raw.twice)`:                                    "unreadable-text:pairs:level=LOW",
		`pairs(raw.late)`:                                     "unreadable-text:pairs:HIGH",
		`pairs(raw.na)`:                                       "",
		`json(raw.json)`:                                      `unreadable-text:json:duplicate member "a" at byte 7`,
		`coalesce(json(raw.name), {})`:                        "",
		`{for x in raw.same : x.k => x.v}`:                    "unreadable-text:for:a",
		`{for x in raw.same : x.k => true}`:                   "",
		`{for x in raw.same : x.k => x.v...}`:                 "",
		`{ x = enum("level", raw.o) }`:                        "unknown-value:level:an object",
		`complex({ user = raw.user, device = opaque("d-1")})`: "subject-unusable::user: a text is no subject; write email(), opaque()…",
		`complex({ user = email(raw.absent) })`:               "",
		`aliases(email(raw.user), raw.name)`:                  "subject-unusable::a text is no subject; write email(), opaque()…",
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
		out, err := m.Try([]byte(record), noon)
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

// TestNoTime: the value that is no time is told.
func TestNoTime(t *testing.T) {
	for record, want := range map[string]string{
		`{"at":"next week","n":4.0}`: "next week", `{"at":{"s":1},"n":"4"}`: "an object", `{"at":"n/a","n":4}`: "", `{"at":"2030-01-01","n":40e-1}`: "2030-01-01",
	} {
		m, diags := mappings.Parse("try.hcl", []byte(`mapping "try" {
  title  = "t"
  vendor = "v"
  enum "level" { high = [4] }
  event "alert" {
    time = time(raw.at, raw.absent)
    body = { alert_id = "1", severity = enum("level", raw.n) }
  }
}`))
		if m == nil {
			t.Fatal(diags)
		}
		out, err := m.Try([]byte(record), noon)
		if err != nil || len(out.Events) != 1 {
			t.Fatalf("%s: %+v, %v", record, out, err)
		}
		if n := out.Events[0].Notes; len(n) != 1 || n[0] != (mappings.Note{Kind: mappings.FallbackTime, Value: want}) {
			t.Errorf("%s: %+v, want %q", record, n, want)
		}
	}
}

// TestUnwrapBroken: that the member which should hold the record cannot be read
// is told, with the place in it, whether the rest is mapped or not.
func TestUnwrapBroken(t *testing.T) {
	m, diags := mappings.Parse("try.hcl", []byte(`mapping "try" {
  title  = "t"
  vendor = "v"
  unwrap = ["payload"]
  event "alert" {
    time = meta.received
    body = { alert_id = raw.id, severity = "low" }
  }
}`))
	if m == nil {
		t.Fatal(diags)
	}
	out, err := m.Try([]byte(`{"payload":"{\"id\":1,"}`), noon)
	if want := "payload holds JSON that cannot be read (expected a member name at byte 8), and of the record without it: alert_id"; err != nil || !strings.Contains(out.Unmapped, want) {
		t.Errorf("%+v, %v", out, err)
	}
	out, err = m.Try([]byte(`{"id":"1","payload":"{\"id\":1,"}`), noon)
	if err != nil || len(out.Events) != 1 || !slices.Equal(out.Events[0].Notes, []mappings.Note{{Kind: mappings.Unreadable, Name: "payload"}}) {
		t.Errorf("%+v, %v", out, err)
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
