package pipeline

import (
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// TestRemitReach: who may speak of some people only cannot reach another by
// calling it the new identifier of one of them, nor everybody's devices by
// naming one of them beside.
func TestRemitReach(t *testing.T) {
	partner := Remit{Events: []string{"*"}, Subjects: []string{"email:*@partner.example.com", "phone_number:+4930*", "opaque:p-*"}, Links: true}.compile()
	const ann = "email:ann@partner.example.com"
	for _, c := range []struct{ name, typ, subject, body, outside string }{
		{"inside", "identifier-changed", ann, `{"new-value":"b@partner.example.com"}`, ""},
		{"in other letters", "identifier-changed", ann, `{"new-value":"B@Partner.Example.com"}`, ""},
		{"somebody else's", "identifier-changed", ann, `{"new-value":"boss@example.com"}`, "new identifier"},
		{"somebody else's number", "identifier-changed", "phone_number:+49301234", `{"new-value":"+49 40 1234567"}`, "new identifier"},
		{"none", "identifier-changed", ann, `{}`, ""},
		{"no identifier", "identifier-changed", ann, `{"new-value":"Mr. Smith"}`, ""},
		{"the subject is not", "identifier-changed", "email:a@example.com", `{"new-value":"b@partner.example.com"}`, "subject"},
		{"another event", "account-disabled", ann, `{"new-value":"boss@example.com"}`, ""},

		{"its own device", "device-compliance-change", "complex:device=opaque:p-1&user=" + ann, `{"current_status":"compliant"}`, ""},
		{"another's device", "device-compliance-change", "complex:device=opaque:x-1&user=" + ann, `{"current_status":"compliant"}`, "device"},
		{"another's lost device", "device-lost", "complex:device=opaque:x-1&user=" + ann, `{}`, "device"},
		{"risk of another's device", "risk-level-change", "complex:device=opaque:x-1&user=" + ann, `{"principal":"device"}`, "device"},
		{"risk of a user on a device", "risk-level-change", "complex:device=opaque:x-1&user=" + ann, `{"principal":"user"}`, ""},
		{"sessions on a device", "session-revoked", "complex:device=opaque:x-1&user=" + ann, `{}`, ""},
		{"another name of a device", "session-revoked", "complex:device=aliases:opaque%3Ap-1%26opaque%3Ax-1&user=" + ann, `{}`, "device"},
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
