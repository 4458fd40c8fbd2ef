package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// TestExamples: of every type there is a payload that its own definition takes, and
// somebody whom it may be about.
func TestExamples(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	for _, typ := range event.Types() {
		name := typ.QualifiedName()
		if found, ok := event.ByName(name); !ok || found != typ {
			t.Errorf("%s does not name its type", name)
		}
		subject, err := event.ParseKey(typ.ExampleSubject())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body := typ.Example(now)
		if typ.Inside() {
			if body, err = typ.PutSubject(body, subject); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			v, _ := strictjson.Parse(body, strictjson.DefaultLimits)
			if subject, _, err = event.ParseSubject(v.Get("subject"), event.SubjectOptions{Bare: true}); err != nil {
				t.Errorf("%s: %v in %s", name, err, body)
			}
		}
		v, err := strictjson.Parse(body, strictjson.DefaultLimits)
		if err == nil {
			err = typ.Check(v)
		}
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, body)
		}
		if err := typ.CheckSubject(subject, event.CheckOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(string(body), "$") {
			t.Errorf("%s: a time was not filled in: %s", name, body)
		}
		for member := range v.Members() {
			known := member == "subject"
			for _, f := range typ.Fields {
				known = known || f.Name == member
			}
			if !known {
				t.Errorf("%s has no member %s", name, member)
			}
		}
	}
}

func TestPutSubject(t *testing.T) {
	complex := `{"format":"complex","user":{"format":"email","email":"jane@example.com"},"device":{"format":"opaque","id":"d-1"}}`
	var both event.Subject
	if err := both.UnmarshalJSON([]byte(complex)); err != nil {
		t.Fatal(err)
	}
	one, err := event.ParseKey("opaque:d-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		event string
		about event.Subject
		want  string
	}{
		{"device-risk-change", one, `{"subject":{"device":{"format":"opaque","id":"d-1"}}}`},
		{"user-risk-change", one, `{"subject":{"user":{"format":"opaque","id":"d-1"}}}`},
		{"okta:session-revoked", both, `{"subject":{"device":{"format":"opaque","id":"d-1"},"user":{"format":"email","email":"jane@example.com"}}}`},
	} {
		typ, _ := event.ByName(c.event)
		got, err := typ.PutSubject([]byte(`{"subject":1}`), c.about)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.event, got, err, c.want)
		}
	}
}
