package pipeline

import (
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// TestRemitOfChangedIdentifiers: who may speak of some people only cannot reach
// another by calling it the new identifier of one of them.
func TestRemitOfChangedIdentifiers(t *testing.T) {
	partner := Remit{Events: []string{"*"}, Subjects: []string{"email:*@partner.example.com", "phone_number:+4930*"}, Links: true}.compile()
	for _, c := range []struct{ name, typ, subject, body, outside string }{
		{"inside", "identifier-changed", "email:a@partner.example.com", `{"new-value":"b@partner.example.com"}`, ""},
		{"in other letters", "identifier-changed", "email:a@partner.example.com", `{"new-value":"B@Partner.Example.com"}`, ""},
		{"somebody else's", "identifier-changed", "email:a@partner.example.com", `{"new-value":"boss@example.com"}`, "new identifier"},
		{"somebody else's number", "identifier-changed", "phone_number:+49301234", `{"new-value":"+49 40 1234567"}`, "new identifier"},
		{"none", "identifier-changed", "email:a@partner.example.com", `{}`, ""},
		{"no identifier", "identifier-changed", "email:a@partner.example.com", `{"new-value":"Mr. Smith"}`, ""},
		{"the subject is not", "identifier-changed", "email:a@example.com", `{"new-value":"b@partner.example.com"}`, "subject"},
		{"another event", "account-disabled", "email:a@partner.example.com", `{"new-value":"boss@example.com"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, err := strictjson.Parse([]byte(c.body), strictjson.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			subject, err := event.ParseKey(c.subject)
			if err != nil {
				t.Fatal(err)
			}
			typ, ok := event.ByName(c.typ)
			if !ok {
				t.Fatalf("no event %s", c.typ)
			}
			got := partner.outside(&event.Event{Type: typ, Issuer: "https://partner.example.com", Subject: subject, Body: body})
			if (got == "") != (c.outside == "") || !strings.HasPrefix(got, c.outside) {
				t.Errorf("outside says %q, want %q", got, c.outside)
			}
		})
	}
}

func TestRemitNamesUnknownEvents(t *testing.T) {
	r := Remit{Events: []string{"caep:*"}, Subjects: []string{"*"}}.compile()
	got := r.outside(&event.Event{Type: event.Unknown, Issuer: "https://idp.example.com"})
	if want := "events of unknown types are outside the remit of https://idp.example.com"; got != want {
		t.Errorf("outside says %q, want %q", got, want)
	}
}
