package mappings_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/mappings"
)

var noon = time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)

// evaluate gives what an expression makes of a record, as JSON; "" is absent.
func evaluate(t *testing.T, expression, record string) string {
	t.Helper()
	src := fmt.Sprintf(`mapping "try" {
  title  = "t"
  vendor = "v"
  enum "level" {
    high   = ["high", "4", 5]
    medium = ["medium"]
  }
  locals {
    one = raw.n
    two = [local.one, local.one]
    ids = [for x in raw.objs : x.id]
  }
  event "alert" {
    body = { alert_id = "1", severity = "low" }
    ecs  = { vendor = { v = %s } }
  }
}`, expression)
	m, diags := mappings.Parse("try.hcl", []byte(src))
	if m == nil {
		t.Fatalf("%s: %v", expression, diags)
	}
	out, err := m.Try([]byte(record), noon)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	if len(out.Events) != 1 {
		t.Fatalf("%s: %+v", expression, out)
	}
	var ecs struct {
		Vendor struct{ V json.RawMessage }
	}
	if len(out.Events[0].ECS) > 0 {
		if err := json.Unmarshal(out.Events[0].ECS, &ecs); err != nil {
			t.Fatal(err)
		}
	}
	return string(ecs.Vendor.V)
}

func TestExpressions(t *testing.T) {
	const record = `{"n":9007199254740993,"s":"Text","null":null,"empty":"","na":"N/A","list":["a","b",null],"scalar":"x",
		"o":{"k":1,"Mixed":{"Case":true}},"objs":[{"id":1,"t":["x"]},{"id":2}],"nested":"{\"a\":{\"b\":[1,2]}}","twice":"\"{\\\"a\\\":7}\"",
		"kv":"{level=HIGH, reasons=A, B, detectionName=x}","csv":"T1003, ,T1059.001","user":"ACME\\jdoe","sev":"HIGH","odd":"severe","f":1.5,
		"same":[{"sid":"S-1","role":"victim"},{"upn":"J@x","n":1},{"upn":"k@x","sid":null},{"sid":"s-1","upn":"j@x","role":"other"},7],
		"flat.a.B":"dotted","flat.c":{"d":2},"o.k":"nested wins"}`
	for _, c := range []struct{ expression, want string }{
		{`raw.n`, `9007199254740993`},
		{`raw.N`, `9007199254740993`},
		{`raw.o.mixed.case`, `true`},
		{`raw.absent`, ``},
		{`raw.null`, ``},
		{`raw.flat.a.b`, `"dotted"`},
		{`raw.flat.c.d`, `2`},
		{`raw.o.k`, `1`},
		{`raw.absent.deeper`, ``},
		{`raw.list`, `["a","b",null]`},
		{`raw.list[1]`, `"b"`},
		{`raw.list[-1]`, ``},
		{`raw.list[7]`, ``},
		{`raw.objs[*].id`, `[1,2]`},
		{`raw.scalar[*]`, `["x"]`},
		{`[for x in raw.objs : x.id if x.id > 1]`, `[2]`},
		{`{for k, v in raw.o : k => v if k == "k"}`, `{"k":1}`},
		{`{for x in raw.objs : has(x.t) ? "with" : "without" => x.id...}`, `{"with":[1],"without":[2]}`},
		{`{for i, x in raw.list : lower(i == 1 ? "Y" : "X") => x... if has(x)}`, `{"x":["a"],"y":["b"]}`},
		{`{for x in raw.same : x.role => x.sid...}`, `{"victim":["S-1"],"other":["s-1"]}`},
		{`{for x in ["a", "b", "A", "a"] : x => [for y in ["1", "2"] : "${x}${y}"]...}`, `{"a":[["a1","a2"],["a1","a2"]],"b":[["b1","b2"]],"A":[["A1","A2"]]}`},
		{`{for x in ["a", "b", "a"] : x => "${x}1"}`, `{"a":"a1","b":"b1"}`},
		{`{for i, x in ["a", "b", "a"] : x => i}`, `{"a":0,"b":1}`},
		{`{for x in raw.absent : x.k => x...}.more`, ``},
		{`[for x in raw.objs : [for t in x.t : "${x.id}${t}"]]`, `[["1x"],[]]`},
		{`"${raw.s}:${raw.n}"`, `"Text:9007199254740993"`},
		{`"${raw.s}:${raw.absent}"`, ``},
		{`[for x in raw.list : "${x}${length(local.ids)}${x}"]`, `["a2a","b2b"]`},
		{`local.two`, `[9007199254740993,9007199254740993]`},
		{`raw.absent == null`, `true`},
		{`raw.absent == "x"`, `false`},
		{`raw.absent > 1`, `false`},
		{`!(raw.absent > 1)`, `true`},
		{`raw.f * 2`, `3`},
		{`raw.f + raw.absent`, ``},
		{`raw.s == "Text" && raw.f < 2 ? "yes" : "no"`, `"yes"`},
		{`raw.absent ? "yes" : "no"`, `"no"`},
		{`coalesce(raw.empty, raw.na, raw.null, raw.s)`, `"Text"`},
		{`clean(raw.s, "text")`, ``},
		{`has(raw.na)`, `false`},
		{`is(raw.list, "B")`, `true`},
		{`contains(raw.s, "EX")`, `true`},
		{`contains("zu viel Ärger", "ärg", "x")`, `true`},
		{`contains(raw.s, "extra")`, `false`},
		{`starts_with(raw.s, "te") && ends_with(raw.s, "XT")`, `true`},
		{`json(raw.nested).a.b[1]`, `2`},
		{`json(raw.twice).a`, `7`},
		{`json(raw.s)`, ``},
		{`json("\"Text\"")`, `"Text"`},
		{`json("[true]")[0]`, `true`},
		{`pairs(raw.kv)`, `{"level":"HIGH","reasons":"A, B","detectionName":"x"}`},
		{`pairs("a=1, b=2, a=3, 4, c=, =5")`, `{"a":"1","b":"2","c":", =5"}`},
		{`techniques(split(",", raw.csv), "x T1110 y")`, `["T1003","T1059.001","T1110"]`},
		{`tactics("Persistence", "command & control", "DefenseEvasion, TA0006", "Evasion", "ta0003")`, `["TA0003","TA0011","TA0005","TA0006","TA0103"]`},
		{`account(raw.user)`, `{"name":"jdoe","domain":"ACME"}`},
		{`account("jdoe@Acme.Example")`, `{"name":"jdoe","domain":"acme.example","email":"jdoe@acme.example"}`},
		{`machine("NT AUTHORITY\\SYSTEM") && machine("HOST$") && !machine("jdoe")`, `true`},
		{`[for id in ["S-1-5-21-1-2-3-500", "S-1-5-18", "00u1jane", "1001", "1234567890", "00000000-0000-0000-0000-000000000000", "jane doe"] : account_id(id)]`, `["S-1-5-21-1-2-3-500","00u1jane"]`},
		{`enum("level", raw.sev)`, `"high"`},
		{`enum("level", raw.odd)`, `"unknown"`},
		{`enum("level", raw.absent)`, ``},
		{`enum("level", 5)`, `"high"`},
		{`regex("T(\\d+)", raw.csv)`, `"1003"`},
		{`band(72, [0, "low"], [70, "high"], [90, "critical"])`, `"high"`},
		{`scale(5, 0, 10)`, `50`},
		{`max(1, [7, "3"])`, `7`},
		{`kebab("DefenseEvasion and_more")`, `"defense-evasion-and-more"`},
		{`ips("10.0.0.1", "[2001:db8::1]", "1.2.3.4:80", raw.s)`, `["10.0.0.1","2001:db8::1","1.2.3.4"]`},
		{`mac("00005e005323")`, `"00-00-5E-00-53-23"`},
		{`hashes(raw.zeros, "D41D8CD98F00B204E9800998ECF8427E")`, `["d41d8cd98f00b204e9800998ecf8427e"]`},
		{`[after(".", "a.b.c"), after("::", "a"), after(".", "a."), after("/", raw.absent), after("", "x")]`, `["c","a",""]`},
		{`file_name("C:\\a\\b.exe")`, `"b.exe"`},
		{`file_path("C:\\a", "b.exe")`, `"C:\\a\\b.exe"`},
		{`file_path("/usr/bin/", "b")`, `"/usr/bin/b"`},
		{`file_path("C:\\a\\B.exe", "b.exe")`, `"C:\\a\\B.exe"`},
		{`file_path("C:\\a", raw.na)`, `"C:\\a"`},
		{`number("12345678901234567890")`, `12345678901234567890`},
		{`bool("Yes")`, `true`},
		{`distinct(raw.list, "a")`, `["a","b"]`},
		{`length(raw.list)`, `3`},
		{`merge_by(raw.same, "sid", "upn")`, `[{"sid":"S-1","role":"victim","upn":"j@x","n":1},{"upn":"k@x"}]`},
		{`merge_by(raw.s, "sid")`, ``},
		{`[for t in ["2030-06-01", 1906502400, "9999-12-31", "soon"] : deadline(t)]`, `[1906502400,1906502400]`},
		{`epoch("2030-06-01")`, ``},
		{`replace(raw.s, "T", "t")`, `"text"`},
		{`{a = raw.absent, b = { c = raw.null }}`, ``},
	} {
		if got := evaluate(t, c.expression, record); got != c.want {
			t.Errorf("%s is %s, want %s", c.expression, got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	for in, want := range map[string]string{
		`1661022364`: "2022-08-20T19:06:04Z", `"1661022364.014"`: "2022-08-20T19:06:04.014Z",
		`1661022364014`: "2022-08-20T19:06:04.014Z", `"1661022364014"`: "2022-08-20T19:06:04.014Z",
		`1661022364014000`: "2022-08-20T19:06:04.014Z", `1661022364014000000`: "2022-08-20T19:06:04.014Z",
		`133055339640140000`:              "2022-08-21T05:39:24.014Z",
		`"2023-10-20T09:53:09.8839373Z"`:  "2023-10-20T09:53:09.8839373Z",
		`"2023-10-20T09:53:09.8839373"`:   "2023-10-20T09:53:09.8839373Z",
		`"2023-10-20T5:32:08"`:            "2023-10-20T05:32:08Z",
		`"2025-04-11 21:07:42.726000000"`: "2025-04-11T21:07:42.726Z",
		`"2025-04-11 20:38:51Z"`:          "2025-04-11T20:38:51Z",
		`"2025-04-11T20:38:51+0200"`:      "2025-04-11T18:38:51Z",
		`"2025-02-24T09:59:04.734+00:00"`: "2025-02-24T09:59:04.734Z",
		`"3/24/2022 2:42:35 PM"`:          "2022-03-24T14:42:35Z",
		`"Wed Aug 17 15:35:15 2022"`:      "2022-08-17T15:35:15Z",
		`"2022/08/17 15:35:15"`:           "2022-08-17T15:35:15Z",
		`"20220817T153515Z"`:              "2022-08-17T15:35:15Z",
		`"17/Aug/2022:15:35:15 +0200"`:    "2022-08-17T13:35:15Z",
		`"17.08.2022 15:35"`:              "2022-08-17T15:35:00Z",
		`"17 Aug 2022 15:35:15"`:          "2022-08-17T15:35:15Z",
		`"Aug 17, 2022 3:35:15 PM"`:       "2022-08-17T15:35:15Z",
		`"2022-08-17T15:35:15 GMT"`:       "2022-08-17T15:35:15Z",
		`"/Date(1660750515000)/"`:         "2022-08-17T15:35:15Z",
		`"0001-01-01T00:00:00"`:           "", `"1970-01-01"`: "", `0`: "", `"soon"`: "", `"9999-12-31"`: "", `-1`: "", `1e300`: "",
	} {
		got := strings.Trim(evaluate(t, `time(raw.t)`, `{"t":`+in+`}`), `"`)
		if got != want {
			t.Errorf("time(%s) is %s, want %s", in, got, want)
		}
	}
}

// TestErrors holds every fixture of a mistake to the errors it names: a comment
// "# ERROR: summary" on the line it is about.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.hcl")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	mark := regexp.MustCompile(`# ERROR: (.+)$`)
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for i, line := range strings.Split(string(src), "\n") {
			if m := mark.FindStringSubmatch(line); m != nil {
				want = append(want, fmt.Sprintf("%d: %s", i+1, m[1]))
			}
		}
		_, diags := mappings.Parse(f, src)
		for _, d := range diags {
			if d.Detail == "" || !strings.ContainsAny(d.Detail[len(d.Detail)-1:], ".?") {
				t.Errorf("%s: detail of %q is no sentence: %q", f, d.Summary, d.Detail)
			}
			got = append(got, fmt.Sprintf("%d: %s", d.Subject.Start.Line, d.Summary))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\ngot  %s\nwant %s", f, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
}

// TestSharedFields: fields of the mapping are those of every event, and give
// way to the event's own.
func TestSharedFields(t *testing.T) {
	m, diags := mappings.Parse("try.hcl", []byte(`mapping "try" {
  title  = "t"
  vendor = "v"
  ecs    = { "user.name" = raw.user, "host.name" = "shared" }
  event "alert" {
    body = { alert_id = "1", severity = "low" }
  }
  event "activity" {
    body = { action = "x" }
    ecs  = { "host.name" = "own" }
  }
}`))
	if m == nil {
		t.Fatal(diags)
	}
	out, err := m.Try([]byte(`{"user":"jane"}`), noon)
	if err != nil || len(out.Events) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	for i, host := range []string{`"name":"shared"`, `"name":"own"`} {
		if ecs := string(out.Events[i].ECS); !strings.Contains(ecs, host) || !strings.Contains(ecs, `"name":"jane"`) {
			t.Errorf("event %d has %s", i, ecs)
		}
	}
}

// TestUnwrapLists: a name with [] is unwrapped only if it holds a list.
func TestUnwrapLists(t *testing.T) {
	m, diags := mappings.Parse("try.hcl", []byte(`mapping "try" {
  title  = "t"
  vendor = "v"
  unwrap = ["data[]", "page"]
  event "alert" {
    body = { alert_id = raw.id, severity = "low", title = envelope.title }
  }
}`))
	if m == nil {
		t.Fatal(diags)
	}
	for record, n := range map[string]int{
		`{"data":[{"id":"1"},{"id":"2"}]}`: 2, `{"id":"3","data":{"id":"4"}}`: 1,
		`{"title":"outer","page":{"title":"inner","data":[{"id":"5"}]}}`: 1,
		`{"PAGE":{"title":"outer","data":"[{\"id\":\"6\"}]"}}`:           1,
	} {
		out, err := m.Try([]byte(record), noon)
		if err != nil || len(out.Events) != n {
			t.Errorf("%s makes %+v, %v", record, out, err)
		}
		if strings.Contains(record, "outer") && !strings.Contains(string(out.Events[0].Body), `"title":"outer"`) {
			t.Errorf("%s: envelope is not the outermost: %s", record, out.Events[0].Body)
		}
	}
}

// TestUnwrapPath: a path is refused, since nothing would be found under its name.
func TestUnwrapPath(t *testing.T) {
	_, diags := mappings.Parse("try.hcl", []byte(`mapping "try" {
  title  = "t"
  vendor = "v"
  unwrap = ["batch.incidents[]"]
  event "alert" { body = { alert_id = raw.id, severity = "low" } }
}`))
	if len(diags) != 1 || !diags.HasErrors() || !strings.Contains(diags[0].Detail, `["batch", "incidents[]"]`) {
		t.Errorf("it says %+v, not how nested members are named", diags)
	}
}

// TestRequire: without what is required a record is unmapped, with the reason.
func TestRequire(t *testing.T) {
	m, diags := mappings.Parse("try.hcl", []byte(`mapping "try" {
  title  = "t"
  vendor = "v"
  require "it names no device" { when = has(raw.device) }
  event "alert" {
    body = { alert_id = "1", severity = "low" }
  }
}`))
	if m == nil {
		t.Fatal(diags)
	}
	if out, err := m.Try([]byte(`{"device":"n/a"}`), noon); err != nil || !strings.HasSuffix(out.Unmapped, "it names no device") {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err := m.Try([]byte(`{"device":"7"}`), noon); err != nil || len(out.Events) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}
