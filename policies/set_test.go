package policies_test

import (
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// eventOf makes an event of a catalogued type.
func eventOf(t testing.TB, name string) *event.Event {
	t.Helper()
	typ, ok := event.ByName(name)
	if !ok {
		t.Fatalf("no event %q", name)
	}
	return &event.Event{ID: "e-1", Type: typ, Concepts: typ.Concepts}
}

// presented is a session seen in use as it began, of a user whose account is in
// the state, on a healthy device.
func presented(state string) string {
	return `{"now":1767226300,"event":{"id":"e-4k2hs0v8bd3m1x7qj5r9t6wzcp","type":"session-presented","family":"caep",
"uri":"https://schemas.openid.net/secevent/caep/event-type/session-presented","source":"app","issuer":"https://app.example.com",
"assurance":"signed","time":1767226200,"received":1767226201,"txn":"f1b2a5d0","concepts":[],"late":false,"stale":false,"applied":[],
"body":{"event_timestamp":1767226200,"fp_ua":"abb0b6e7da81a42233f8f2b1a8ddb1b9a4c81611","ext_id":"12345","initiating_entity":"user"}},
"subject":{"key":"complex:session=opaque:s-1&user=email:jane@example.com","format":"complex","user":"email:jane@example.com","session":"opaque:s-1"},
"user":{"id":"u-1","keys":["email:jane@example.com","iss_sub:https://idp.example.com|u-1"],"email":"jane@example.com",
"account":{"state":"` + state + `","since":1767225600,"by":"https://idp.example.com"},"risk":{"level":"low","sources":[]},"facts":{}},
"device":{"id":"opaque:laptop-1","keys":["opaque:laptop-1"],"compliance":{"status":"compliant","since":1767139200,"changes":0},"facts":{}},
"session":{"id":"opaque:s-1","state":"live","established":1767225600,"last_seen":1767226100,"ua":"abb0b6e7da81a42233f8f2b1a8ddb1b9a4c81611",
"ua_changed":false,"backing":"live","user":"u-1","device":"opaque:laptop-1"}}`
}
