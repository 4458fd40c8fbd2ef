package config

import (
	"net/url"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// doOf takes the inside of a do block through the loader.
func doOf(t testing.TB, text string) *Do {
	t.Helper()
	src := "sink \"file\" \"idp\" { path = \"x.jsonl\" }\naction \"own\" {\n  do \"idp\" {\n" + text + "\n  }\n}\n"
	cfg, list := Parse("config.hcl", ".", []byte(src), testEnv)
	if len(list) > 0 {
		t.Fatalf("%s: %s", list[0].Summary, list[0].Detail)
	}
	return &cfg.Actions["own"].Dos[0]
}

func about(key string) pipeline.ActionVars {
	v := vars(nil)
	v.Subject = subjectOf(key)
	return v
}

func TestDoRender(t *testing.T) {
	linked := about("email:jane@example.com")
	linked.Known.User = &pipeline.EntityPart{
		ID: "email:jane@example.com", Email: "jane@example.com", Name: "jane@example.com",
		Keys: []string{"email:jane@example.com", "iss_sub:https://idp.example.com|00u/1"},
	}
	for _, c := range []struct {
		name, do, path, body string
		vars                 pipeline.ActionVars
	}{
		{"the sink's URL itself", ``, "", "", about("email:jane@example.com")},
		{"a value in a segment", `path = "/users/${subject.email}/suspend"`, "/users/jane%40example.com/suspend", "", about("email:jane@example.com")},
		{"a value in the query", `path = "/users?login=${subject.email}&by=${action.rule}"`, "/users?login=jane%40example.com&by=threat_alert", "", about("email:jane@example.com")},
		{"a number", `path = "/at/${now}"`, "/at/1767225600", "", about("email:jane@example.com")},
		{"what is known", `path = "/users/${user.sub["https://idp.example.com"]}"`, "/users/00u%2F1", "", linked},
		{"the first there is", `path = "/users/${try(subject.sub, user.email)}"`, "/users/jane%40example.com", "", linked},
		{"part of a complex subject", `path = "/s/${subject.session.id}"`, "/s/s-1", "", about("complex:session=opaque:s-1&user=email:jane@example.com")},
		{"one of several identifiers", `path = "/u/${subject.sub}"`, "/u/u-1", "", about("aliases:email:jane@example.com&iss_sub:https://idp.example.com%7Cu-1")},
		{"a body", `body = { login = subject.email, none = action.with.x, why = action.reason }`, "", `{"login":"jane@example.com","why":"says \"now\""}`, about("email:jane@example.com")},
		{"a choice", `path = "/${subject.format == "email" ? "mail" : "other"}"`, "/mail", "", about("email:jane@example.com")},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := doOf(t, c.do).Render(c.vars)
			if err != nil || r.Path != c.path || string(r.Body) != c.body {
				t.Errorf("got %q and %s, %v; want %q and %s", r.Path, r.Body, err, c.path, c.body)
			}
		})
	}
}

// TestDoMissing: what is not there is an error that says so, and never empty.
func TestDoMissing(t *testing.T) {
	for do, want := range map[string]string{
		`path = "/users/${subject.sub}"`:               "there is no subject.sub: the action is about email:jane@example.com",
		`path = "/users/${subject.user.sub}"`:          "there is no subject.user.sub: the action is about email:jane@example.com",
		`path = "/users/${user.email}"`:                "no user.email is known of email:jane@example.com",
		`path = "/users/${user.sub["https://a"]}"`:     `no user.sub["https://a"] is known of email:jane@example.com`,
		`path = "/users/${device.id}"`:                 "no device.id is known of",
		`path = "/users/${action.with.id}"`:            "there is no text to fill in",
		`body = { login = subject.sub }`:               "there is no subject.sub",
		`body = { login = try(subject.sub, user.id) }`: "no expression succeeded: - Unsupported attribute",
	} {
		r, err := doOf(t, do).Render(about("email:jane@example.com"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "config.hcl:4") {
			t.Errorf("%s: %+v, %v; want %q", do, r, err, want)
		}
	}
}

// hostile are values that would leave their place if anything took them at
// their word.
var hostile = []string{
	"a/../../admin", "../admin", "..", ".", "a/./b", `..\admin`, "%2e%2e", "%252e%252e", "%2e%2e%2fadmin", "..;/admin", "..;x=1",
	"a/%2e%2e/b", "", "a\nb", "a\r\nHost: evil", "a\x00b", "\x7f", "%25252525252e",
}

// contained are values that are strange and harmless: they stay one value.
var contained = []string{
	"a/b", "a?b=c", "a#b", "a&b=c", "a;b=c", "a+b", "a b", "http://evil.example.com/", "//evil", "@evil", `a\b`, "%", "%zz", "%41", "ä€𝄞", "e\u0301", "...", "a..b", "${x}", "<script>", `"'`,
}

func TestPathContains(t *testing.T) {
	segment := doOf(t, `path = "/users/${subject.id}/suspend?by=${subject.id}"`)
	alone := doOf(t, `path = "/users/x?by=${subject.id}"`)
	for _, value := range contained {
		r, err := segment.Render(opaque(t, value))
		if err != nil {
			t.Errorf("%q: %v", value, err)
			continue
		}
		stays(t, r.Path, value)
	}
	for _, value := range hostile {
		v := about("email:jane@example.com")
		v.Reason = value
		if r, err := doOf(t, `path = "/users/${action.reason}/suspend"`).Render(v); err == nil {
			t.Errorf("%q became %q", value, r.Path)
		}
	}
	// In a query there are no dot segments.
	if r, err := alone.Render(opaque(t, "../x")); err != nil || r.Path != "/users/x?by=..%2Fx" {
		t.Errorf("%q, %v", r.Path, err)
	}
	// Neither does a value make one together with what stands beside it.
	for _, path := range []string{`/a/.${subject.id}/b`, `/a/${subject.id}./b`, `/a/${subject.id}%2e/b`, `/a/${subject.id}${subject.id}/b`} {
		if r, err := doOf(t, `path = "`+path+`"`).Render(opaque(t, ".")); err == nil {
			t.Errorf("%s became %q", path, r.Path)
		}
	}
	if _, err := segment.Render(opaque(t, strings.Repeat("x", longestPathValue+1))); err == nil {
		t.Error("a value of any length is filled in")
	}
}

func opaque(t testing.TB, id string) pipeline.ActionVars {
	t.Helper()
	v := about("email:jane@example.com")
	s, err := event.NewSimple("opaque", "id", id)
	if err != nil {
		t.Fatal(err)
	}
	v.Subject = s
	return v
}

// stays checks that a rendered path is the segments it was written with, and that
// one of them, and one query value, is the value: as text of HCL, which has one
// form for letters that Unicode composes in several.
func stays(t testing.TB, path, value string) {
	t.Helper()
	value = cty.NormalizeString(value)
	u, err := url.Parse("https://idp.example.com/api" + path)
	if err != nil {
		t.Fatalf("%q became %q: %v", value, path, err)
	}
	segments := strings.Split(u.EscapedPath(), "/")
	if u.Host != "idp.example.com" || u.Fragment != "" || len(segments) != 5 || segments[4] != "suspend" {
		t.Fatalf("%q became %q: %q", value, path, segments)
	}
	if got, err := url.PathUnescape(segments[3]); err != nil || got != value {
		t.Errorf("%q arrives as %q", value, got)
	}
	if q, err := url.ParseQuery(u.RawQuery); err != nil || len(q) != 1 || q.Get("by") != value {
		t.Errorf("%q arrives in the query as %v", value, q)
	}
	if clean := u.JoinPath(); clean.Path != u.Path {
		t.Errorf("%q is cleaned to %q", u.Path, clean.Path)
	}
}

// FuzzPath: whatever a stranger calls somebody, a call goes where the
// configuration says.
func FuzzPath(f *testing.F) {
	for _, s := range append(hostile, contained...) {
		f.Add(s)
	}
	do := doOf(f, `path = "/users/${action.reason}/suspend?by=${action.reason}"`)
	f.Fuzz(func(t *testing.T, value string) {
		v := about("email:jane@example.com")
		v.Reason = value
		r, err := do.Render(v)
		if err != nil {
			return
		}
		if got := r.Path; !strings.ContainsAny(value, "/") {
			stays(t, got, value)
		} else if segments := strings.Split(strings.TrimSuffix(got[:strings.Index(got, "?")], "/suspend"), "/"); len(segments) != 3 {
			t.Errorf("%q became %q", value, got)
		}
	})
}
