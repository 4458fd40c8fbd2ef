package event_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// definition is an entry of testdata/events.json, the standards' events.
type definition struct {
	URI     string   `json:"uri"`
	Name    string   `json:"short_name"`
	Family  string   `json:"family"`
	Spec    string   `json:"spec"`
	Status  string   `json:"status"`
	Aliases []string `json:"uri_aliases"`
	Fields  []struct {
		Name     string          `json:"name"`
		Kind     event.FieldKind `json:"type"`
		Required bool            `json:"required"`
		Enum     []string        `json:"enum"`
		Open     bool            `json:"enum_open"`
	} `json:"fields"`
	Subject struct {
		Formats any `json:"formats"`
	} `json:"subject"`
}

func TestCatalogueMatchesDefinitions(t *testing.T) {
	text, err := os.ReadFile("testdata/events.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []definition
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != 42 {
		t.Fatalf("testdata holds %d definitions, want 42", len(want))
	}
	seen := map[*event.Type]bool{}
	for _, d := range want {
		t.Run(d.Family+" "+d.Name, func(t *testing.T) {
			dialect := ""
			if d.Status == "vendor-variant" {
				dialect = d.Family
			}
			got, alias := event.Lookup(d.URI, dialect)
			if got == event.Unknown || alias || got.Dialect != dialect {
				t.Fatalf("Lookup: %s, alias %v, dialect %q", got.Name, alias, got.Dialect)
			}
			seen[got] = true
			name, _, _ := strings.Cut(d.Name, " (")
			if got.URI != d.URI || got.Name != name || got.Family != d.Family || got.Status != d.Status || got.Spec != d.Spec {
				t.Errorf("got %s %s %s %s %s", got.URI, got.Name, got.Family, got.Status, got.Spec)
			}
			if byName, ok := event.ByName(d.Family + ":" + name); !ok || byName != got {
				t.Errorf("ByName(%s:%s) = %v", d.Family, name, byName)
			}
			if dialect == "" && !slices.Equal(got.Aliases, d.Aliases) {
				t.Errorf("aliases %v, want %v", got.Aliases, d.Aliases)
			}
			for _, a := range d.Aliases {
				if byAlias, alias := event.Lookup(a, ""); byAlias != got || !alias {
					t.Errorf("alias %s: %s, %v", a, byAlias.Name, alias)
				}
			}
			if formats, ok := d.Subject.Formats.([]any); ok != (got.SubjectFormats != nil) || len(formats) != len(got.SubjectFormats) {
				t.Errorf("subject formats %v, want %v", got.SubjectFormats, d.Subject.Formats)
			} else {
				for i := range formats {
					if formats[i] != got.SubjectFormats[i] {
						t.Errorf("subject formats %v, want %v", got.SubjectFormats, formats)
					}
				}
			}
			compareFields(t, got, d)
		})
	}
	for _, typ := range event.Types() {
		if typ.Family != "local" && !seen[typ] {
			t.Errorf("%s %s is in the catalogue and not among the definitions", typ.Family, typ.Name)
		}
	}
}

func compareFields(t *testing.T, got *event.Type, d definition) {
	t.Helper()
	fields := slices.DeleteFunc(slices.Clone(got.Fields), func(f event.Field) bool { return f.Kind == event.Absent })
	sort.Slice(fields, func(i, j int) bool { return fields[i].Name < fields[j].Name })
	sort.Slice(d.Fields, func(i, j int) bool { return d.Fields[i].Name < d.Fields[j].Name })
	if len(fields) != len(d.Fields) {
		t.Fatalf("%d fields, want %d", len(fields), len(d.Fields))
	}
	for i, want := range d.Fields {
		f := fields[i]
		if f.Name != want.Name || f.Kind != want.Kind || f.Required != want.Required || f.Open != want.Open || !reflect.DeepEqual(f.Enum, want.Enum) {
			t.Errorf("got  %+v\nwant %+v", f, want)
		}
		if f.Requirement == "" || f.Doc == "" {
			t.Errorf("field %s has no requirement or no doc", f.Name)
		}
	}
}

func TestCatalogueIsSound(t *testing.T) {
	names, known := map[string]bool{}, event.Concepts()
	if !slices.IsSorted(known) {
		t.Error("Concepts is not sorted")
	}
	local := 0
	for _, typ := range event.Types() {
		if typ.Family == "local" {
			local++
			if typ.URI != event.LocalBase+typ.Name || typ.Status != "local" {
				t.Errorf("%s: URI %s, status %s", typ.Name, typ.URI, typ.Status)
			}
		}
		key := typ.Family + ":" + typ.Name
		if names[key] {
			t.Errorf("%s stands twice", key)
		}
		names[key] = true
		if !strings.HasSuffix(typ.Doc, ".") {
			t.Errorf("%s: doc %q is no sentence", key, typ.Doc)
		}
		for _, c := range typ.Concepts {
			if !slices.Contains(known, c) {
				t.Errorf("%s: unknown concept %s", key, c)
			}
		}
		fields := map[string]bool{}
		for _, f := range typ.Fields {
			if fields[f.Name] || f.Doc == "" || f.Open && f.Enum == nil || f.Agreed && !f.Open {
				t.Errorf("%s: field %+v", key, f)
			}
			fields[f.Name] = true
		}
	}
	for _, name := range strings.Fields("alert posture activity timer approval operator-command feed-health device-lost identity-proofed employment-change access-request access-grant checkout privileged-session breach-exposure") {
		if typ, ok := event.ByName(name); !ok || typ.Family != "local" {
			t.Errorf("the local family lacks %s", name)
		}
	}
	if local != 15 {
		t.Errorf("%d local types, want 15", local)
	}
}

func TestLookup(t *testing.T) {
	const caep = "https://schemas.openid.net/secevent/caep/event-type/"
	for _, c := range []struct {
		uri, dialect string
		name, family string
		alias        bool
	}{
		{caep + "session-revoked", "", "session-revoked", "caep", false},
		{caep + "session-revoked", "okta", "session-revoked", "okta", false},
		{caep + "credential-change", "okta", "credential-change", "caep", false},
		{caep + "risk-level-changed", "", "risk-level-change", "caep", true},
		{"https://schemas.openid.net/secevent/sse/event-type/verification", "", "verification", "ssf", true},
		{"urn:ietf:params:SCIM:event:prov:delete", "", "prov:delete", "scim", true},
		{"URN:ietf:params:Scim:event:PROV:delete", "", "prov:delete", "scim", true},
		{"https://schemas.okta.com/secevent/okta/event-type/ip-change", "", "ip-change", "okta", false},
		{"urn:signalbox:event:alert", "", "alert", "local", false},
		{caep + "Session-Revoked", "", "unknown", "unknown", false},
		{"https://events.example.com/door-opened", "okta", "unknown", "unknown", false},
		{"", "", "unknown", "unknown", false},
	} {
		typ, alias := event.Lookup(c.uri, c.dialect)
		if typ.Name != c.name || typ.Family != c.family || alias != c.alias {
			t.Errorf("Lookup(%q, %q) = %s %s %v", c.uri, c.dialect, typ.Family, typ.Name, alias)
		}
	}
	if typ, ok := event.ByName("unknown"); !ok || typ != event.Unknown {
		t.Error(`ByName("unknown") is not Unknown`)
	}
	if _, ok := event.ByName("session-revokd"); ok {
		t.Error("ByName found a misspelt name")
	}
	if std, _ := event.ByName("session-revoked"); std.Dialect != "" {
		t.Error("a bare name must mean the standard form")
	}
}

func TestConceptsOf(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"session-revoked", `{}`, []string{"session-revoked"}},
		{"sessions-revoked", `{}`, []string{"session-revoked"}},
		{"risk-level-change", `{"principal":"USER"}`, []string{"user-risk"}},
		{"risk-level-change", `{"principal":"DEVICE"}`, []string{"device-risk"}},
		{"risk-level-change", `{"principal":"\u0055SER"}`, []string{"user-risk"}},
		{"risk-level-change", `{"principal":"TENANT"}`, nil},
		{"credential-change", `{"credential_type":"password"}`, []string{"credential-change"}},
		{"credential-change", `{"credential_type":"fido2-roaming"}`, []string{"credential-change", "mfa-change"}},
		{"alert", `{"concepts":["phishing","no-such-concept","phishing",7,"malware"]}`, []string{"phishing", "malware"}},
		{"alert", `{"concepts":"phishing"}`, nil},
		{"account-enabled", `{"concepts":["phishing"]}`, nil},
	} {
		typ, ok := event.ByName(c.name)
		if !ok {
			t.Fatal(c.name)
		}
		if got := typ.ConceptsOf(parse(t, c.body)); !slices.Equal(got, c.want) {
			t.Errorf("%s %s: %v, want %v", c.name, c.body, got, c.want)
		}
	}
}

func parse(t testing.TB, text string) strictjson.Value {
	t.Helper()
	v, err := strictjson.Parse([]byte(text), strictjson.DefaultLimits)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
