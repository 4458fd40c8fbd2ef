package document

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func render(t *testing.T, r *pipeline.Record) []Doc {
	t.Helper()
	docs, err := Render(7, r)
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func TestGolden(t *testing.T) {
	for name, r := range records() {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			for _, d := range render(t, r) {
				fmt.Fprintf(&got, "%s %s %s\n", d.Stream, d.ID, d.Time.Format(timeForm))
				if err := json.Indent(&got, d.JSON, "", "  "); err != nil {
					t.Fatalf("%v in %s", err, d.JSON)
				}
				got.WriteByte('\n')
			}
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("documents differ from %s; if they are right run go test -update\n%s", path, difference(got.String(), string(want)))
			}
		})
	}
}

// difference shows the first lines that are not the same.
func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is  %s\nwant       %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}

func TestFields(t *testing.T) {
	for i, f := range Fields() {
		if f.Name == "" || f.Doc == "" || !strings.HasSuffix(f.Doc, ".") || len(f.Streams.Names()) == 0 {
			t.Errorf("%s is not described: %+v", f.Name, f)
		}
		if i > 0 && Fields()[i-1].Name >= f.Name {
			t.Errorf("%s is out of order or declared twice", f.Name)
		}
		for parent := f.Name; ; {
			cut := strings.LastIndexByte(parent, '.')
			if cut < 0 {
				break
			}
			parent = parent[:cut]
			if _, ok := Lookup(parent); ok {
				t.Errorf("%s lies below the field %s", f.Name, parent)
			}
		}
	}
	if _, ok := Lookup("user"); ok {
		t.Error("user is an object, not a field")
	}
	if got := (Set | Error).Names(); !slices.Equal(got, []string{SetStream, ErrorStream}) {
		t.Errorf("names are %v", got)
	}
	if Set.Has(ErrorStream) || !every.Has(AuditStream) || every.Has("other") {
		t.Error("Has is wrong")
	}
}

// TestPure checks that rendering again, also what went through the journal,
// gives the same bytes, and that ids tell documents apart.
func TestPure(t *testing.T) {
	ids := map[string]string{}
	for name, r := range records() {
		docs := render(t, r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var journaled pipeline.Record
		if err := json.Unmarshal(text, &journaled); err != nil {
			t.Fatal(err)
		}
		again := render(t, &journaled)
		for i, d := range docs {
			if d.ID != again[i].ID || !bytes.Equal(d.JSON, again[i].JSON) && !bytes.Contains(d.JSON, []byte("exposed")) {
				t.Errorf("%s: document %d differs after the journal\n%s\n%s", name, i, d.JSON, again[i].JSON)
			}
			key := fmt.Sprintf("%s %d", name, i)
			if other, ok := ids[d.ID]; ok {
				t.Errorf("%s and %s have one id", key, other)
			}
			ids[d.ID] = key
		}
	}
}

// TestNamed checks whom events name that were recorded without being resolved.
func TestNamed(t *testing.T) {
	for _, c := range []struct {
		name, subject, body string
		want                string // user.name, host.id, session.id
	}{
		{"account-disabled", `{"format":"email","email":"Jane@Example.com"}`, "", "jane@example.com||"},
		{"account-disabled", `{"format":"account","uri":"acct:jane@example.com"}`, "", "jane@example.com||"},
		{"account-disabled", `{"format":"iss_sub","iss":"https://idp.example.com","sub":"u|1"}`, "", "u|1||"},
		{"account-disabled", `{"format":"opaque","id":"7"}`, "", "7||"},
		{"session-revoked", `{"format":"opaque","id":"s-1"}`, "", "||s-1"},
		{"device-compliance-change", `{"format":"opaque","id":"7"}`, "", "|7|"},
		{"device-compliance-change", `{"format":"email","email":"j@example.com"}`, "", "j@example.com||"},
		{"risk-level-change", `{"format":"opaque","id":"7"}`, `{"principal":"DEVICE"}`, "|7|"},
		{"session-revoked", `{"format":"complex","user":{"format":"email","email":"j@example.com"},"device":{"format":"opaque","id":"7"},"session":{"format":"opaque","id":"s"},"tenant":{"format":"opaque","id":"t"}}`, "", "j@example.com|7|s"},
		{"account-disabled", `{"format":"aliases","identifiers":[{"format":"opaque","id":"7"},{"format":"email","email":"j@example.com"}]}`, "", "j@example.com||"},
		{"account-disabled", `{"format":"nonsense`, "", "||"},
		{"account-disabled", "", "", "||"},
	} {
		r := &pipeline.Record{Kind: pipeline.InputRecord, Input: input(), Outcomes: []pipeline.Outcome{{
			Remit: "not agreed", Event: pipeline.EventPart{ID: "e-1", Type: c.name, Subject: json.RawMessage(c.subject), Body: json.RawMessage(c.body)},
		}}}
		d := render(t, r)[0]
		var doc struct {
			User, Host, Session struct{ Name, ID string }
		}
		if err := json.Unmarshal(d.JSON, &doc); err != nil {
			t.Fatal(err)
		}
		if got := doc.User.Name + "|" + doc.Host.ID + "|" + doc.Session.ID; got != c.want {
			t.Errorf("%s of %s names %s, want %s", c.name, c.subject, got, c.want)
		}
	}
}

func TestAppendTime(t *testing.T) {
	for _, s := range []string{"2026-02-03T10:15:04.120Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "1969-07-20T20:17:40.001+05:30"} {
		want := at(s).UTC().Format(timeForm)
		if got := string(appendTime(nil, at(s).UTC())); got != want {
			t.Errorf("%s is written %s, want %s", s, got, want)
		}
	}
	far := time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := string(appendTime(nil, far)); got != far.Format(timeForm) {
		t.Errorf("a far year is written %s", got)
	}
}

func TestOriginalIsOptional(t *testing.T) {
	for _, o := range []Renderer{{}, {Original: true}} {
		for name, r := range records() {
			if r.Input == nil {
				continue
			}
			docs, err := o.Render(1, r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := json.Marshal(r.Input.Body)
			if got := bytes.Contains(docs[0].JSON, body); got != o.Original {
				t.Errorf("%s: received bytes in the document: %v", name, got)
			}
		}
	}
}

func TestRenderErrors(t *testing.T) {
	for name, r := range map[string]*pipeline.Record{
		"kind":     {Kind: "other"},
		"input":    {Kind: pipeline.InputRecord},
		"reject":   {Kind: pipeline.RejectRecord},
		"operator": {Kind: pipeline.OperatorRecord},
	} {
		if _, err := Render(1, r); err == nil {
			t.Errorf("a record without its %s gives no error", name)
		}
	}
}

func TestDeliveries(t *testing.T) {
	docs := render(t, acted())
	list, err := Deliveries(7, acted())
	if err != nil || len(list) != len(docs) {
		t.Fatalf("%d deliveries, %v", len(list), err)
	}
	for i, d := range list {
		if d.ID != docs[i].ID || d.Kind != docs[i].Stream || !bytes.Equal(d.Payload, docs[i].JSON) || d.Key != "" {
			t.Errorf("delivery %d is %+v", i, d)
		}
	}
}

// FuzzRender checks that no text a stranger may bring into a record makes a
// document that is not one line of JSON.
func FuzzRender(f *testing.F) {
	f.Add("jane@example.com", riskBody)
	f.Add("\x00\n\"\\\xff|%zz:%", `{"reason_admin":5,"current_level":["x"]}`)
	f.Add("complex:user=email:x", "{\r\n}")
	f.Add("x", `{"format":"aliases","identifiers":[{"format":"email","email":"j@example.com"},{"format":"opaque","id":"|%"}]}`)
	f.Add("é%41|", strings.Repeat(`{"a":`, 30)+"1"+strings.Repeat("}", 30))
	f.Fuzz(func(t *testing.T, text, body string) {
		if !json.Valid([]byte(body)) || !strings.HasPrefix(strings.TrimSpace(body), "{") {
			return
		}
		r := acted()
		r.Input.Issuer, r.Input.RemoteAddr, r.Input.JTI = text, text, text
		r.Outcomes[0].Event.Body = json.RawMessage(body)
		r.Outcomes[0].Event.Subject = json.RawMessage(body)
		r.Outcomes[0].Change = json.RawMessage(body)
		r.Outcomes[1].Event.Subject, r.Outcomes[1].Entities = json.RawMessage(body), pipeline.EntitiesPart{}
		r.Outcomes[0].Entities.User = &pipeline.EntityPart{ID: text, Keys: []string{text, "iss_sub:" + text}, Email: text}
		r.Outcomes[0].Decision.Facts[0].Name = text
		r.Actions[0].Key, r.Actions[0].Reason = text, text
		docs, err := Renderer{Original: true}.Render(7, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range docs {
			if !json.Valid(d.JSON) || bytes.ContainsAny(d.JSON, "\r\n") {
				t.Fatalf("document is %q", d.JSON)
			}
		}
	})
}

func BenchmarkRender(b *testing.B) {
	plain := acted()
	plain.Outcomes, plain.Actions = plain.Outcomes[:1], nil
	plain.Outcomes[0].Decision.Result, plain.Outcomes[0].Decision.Fired, plain.Outcomes[0].Decision.Facts = "no_action", nil, nil
	plain.Outcomes[0].Decision.Notes, plain.Outcomes[0].Decision.Errors = nil, nil
	for name, r := range map[string]*pipeline.Record{"quiet": plain, "acted": acted()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			bytes := 0
			for b.Loop() {
				docs, err := Render(7, r)
				if err != nil {
					b.Fatal(err)
				}
				bytes = 0
				for _, d := range docs {
					bytes += len(d.JSON)
				}
			}
			b.ReportMetric(float64(bytes), "docbytes")
		})
	}
}

// TestPartsHaveDocuments: the parts of one action have documents of their own,
// also where two go to the same target.
func TestPartsHaveDocuments(t *testing.T) {
	part := func(emits, target string) pipeline.Action {
		return pipeline.Action{ID: "a-1", Type: "disable-account", Emits: emits, Target: target, Status: pipeline.Queued}
	}
	r := &pipeline.Record{Kind: pipeline.DeliveryRecord, Actions: []pipeline.Action{
		part("account-disabled", "app"), part("session-revoked", "app"), part("session-revoked", "mail"),
	}}
	ids := map[string]bool{}
	for _, d := range render(t, r) {
		ids[d.ID] = true
	}
	if len(ids) != 3 {
		t.Errorf("%d documents for 3 parts", len(ids))
	}
}
