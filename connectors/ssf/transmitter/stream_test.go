package transmitter

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func (r *rig) status(token, id, status string) reply {
	return r.ask(token, "POST", base+"/status", object{"stream_id": id, "status": status, "reason": "because"})
}

// take polls until nothing is left and acknowledges all of it.
func (r *rig) take(token, id string) (got []claims) {
	r.t.Helper()
	body := object{}
	for {
		p := r.poll(token, id, body)
		if len(p.sets) == 0 {
			return got
		}
		for _, jti := range p.jtis() {
			got = append(got, p.sets[jti])
		}
		body = object{"ack": p.jtis()}
	}
}

func TestStatus(t *testing.T) {
	r := serve(t, nil, two())
	id := r.create(appToken, polling(revoked))
	jane := email(t, "jane@example.com")
	a := r.ask(appToken, "GET", base+"/status?stream_id="+id, nil)
	req.Equal(t, "SSF-TX-49 SSF-TX-50 INTEROP-07", fmt.Sprint(a.status, a.json(t)), fmt.Sprint(200, object{"stream_id": id, "status": "enabled"}))

	a = r.status(appToken, id, "paused")
	req.Equal(t, "SSF-TX-57", fmt.Sprint(a.status, a.json(t)), fmt.Sprint(200, object{"stream_id": id, "status": "paused", "reason": "because"}))
	for range 3 {
		r.act("session-revoked", jane)
	}
	p := r.poll(appToken, id, nil)
	req.Equal(t, "SSF-TX-52 POLL-24", fmt.Sprint(p.status, len(p.sets)), "200 0")
	r.status(appToken, id, "enabled")
	got := r.take(appToken, id)
	var order []any
	for _, c := range got {
		order = append(order, c.Events[revoked]["n"])
	}
	req.Equal(t, "SSF-TX-53 SSF-TX-54 SSF-TX-51", fmt.Sprint(order), "[1 2 3]")
	req.True(t, "SSF-TX-60", len(got) == 3, "who asked for a status is told of it: %d SETs", len(got))

	last := r.act("session-revoked", jane)
	r.status(appToken, id, "disabled")
	during := r.act("session-revoked", jane)
	r.until("nothing is held", func() bool { n, _ := r.line.Pending(pipeline.StreamQueue("signals", id)); return n == 0 })
	r.status(appToken, id, "enabled")
	req.Equal(t, "SSF-TX-55 SSF-TX-52", len(r.take(appToken, id)), 0)
	req.Equal(t, "SSF-TX-55", r.statuses(last)[id], pipeline.Superseded)
	_, queued := r.statuses(during)[id]
	req.True(t, "SSF-TX-55", !queued, "something was queued for a disabled stream")
	for _, body := range []object{{"stream_id": id}, {"stream_id": id, "status": "on"}, {"stream_id": id, "status": "paused", "reason": 7}} {
		req.Equal(t, "SSF-TX-59 SSF-TX-50", r.ask(appToken, "POST", base+"/status", body).status, http.StatusBadRequest)
	}
}

func TestVerification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, nil, two())
		defer r.stop()
		id := r.create(appToken, polling(revoked))
		verify := func(state any) reply {
			return r.ask(appToken, "POST", base+"/verify", object{"stream_id": id, "state": state})
		}
		const state = `VGhpcyBpcyBhbi1leGFtcGxl "quoted" é`
		a := verify(state)
		req.Equal(t, "SSF-TX-76 INTEROP-08 INTEROP-11", fmt.Sprint(a.status, a.body), "204")
		got := r.take(appToken, id)
		if len(got) != 1 {
			t.Fatalf("%d SETs", len(got))
		}
		c := got[0]
		const uri = "https://schemas.openid.net/secevent/ssf/event-type/verification"
		req.Equal(t, "SSF-TX-77 SSF-TX-63", c.Events[uri]["state"], any(state))
		req.Equal(t, "SSF-TX-80 INTEROP-17", fmt.Sprint(c.Sub), fmt.Sprint(object{"format": "opaque", "id": id}))

		a = verify("again")
		req.Equal(t, "SSF-TX-81 SSF-TX-82", a.status, http.StatusTooManyRequests)
		wait, _ := strconv.Atoi(a.header.Get("Retry-After"))
		time.Sleep(time.Duration(wait) * time.Second)
		interval := r.ask(appToken, "GET", base+"/streams?stream_id="+id, nil).json(t)["min_verification_interval"]
		req.Equal(t, "SSF-TX-82", fmt.Sprint(wait, interval), "10 10")
		req.Equal(t, "SSF-TX-82", r.ask(appToken, "POST", base+"/verify", object{"stream_id": id}).status, http.StatusNoContent)
		got = r.take(appToken, id)
		_, stated := got[0].Events[uri]["state"]
		req.Equal(t, "SSF-TX-78", stated, false)

		time.Sleep(time.Minute)
		r.status(appToken, id, "paused")
		if a := verify("held"); a.status != http.StatusNoContent || len(r.poll(appToken, id, nil).sets) > 0 {
			t.Errorf("verification of a paused stream: %d", a.status)
		}
		r.status(appToken, id, "enabled")
		if got := r.take(appToken, id); len(got) != 1 || got[0].Events[uri]["state"] != "held" {
			t.Errorf("held were %v", got)
		}
		time.Sleep(time.Minute)
		r.status(appToken, id, "disabled")
		req.Equal(t, "SSF-TX-81", verify("x").status, http.StatusBadRequest)
		for _, bad := range []any{7, string(make([]byte, 5000))} {
			if a := verify(bad); a.status != http.StatusBadRequest {
				t.Errorf("state %T: %d", bad, a.status)
			}
		}
	})
}

func TestInactivity(t *testing.T) {
	for onInactivity, status := range map[string]string{"": "paused", "disable": "disabled"} {
		synctest.Test(t, func(t *testing.T) {
			c := two()
			c.InactivityTimeout, c.OnInactivity, c.DeadAfter = time.Hour, onInactivity, 24*time.Hour
			r := serve(t, nil, c)
			defer r.stop()
			id := r.create(appToken, polling(revoked))
			if got := r.ask(appToken, "GET", base+"/streams?stream_id="+id, nil).json(t)["inactivity_timeout"]; got != 3600.0 {
				t.Errorf("inactivity_timeout %v", got)
			}
			is := func() string {
				s := must(r.hub.Streams(t.Context()))
				return s[0].Status
			}
			for range 3 { // polls and calls are activity
				time.Sleep(50 * time.Minute)
				r.poll(appToken, id, nil)
				time.Sleep(50 * time.Minute)
				r.ask(appToken, "GET", base+"/status?stream_id="+id, nil)
			}
			req.Equal(t, "SSF-TX-44", is(), "enabled")
			held := r.act("session-revoked", email(t, "jane@example.com"))
			time.Sleep(time.Hour + time.Minute)
			req.Equal(t, "SSF-TX-45", is(), status)
			p := r.poll(appToken, id, nil)
			if req.Equal(t, "SSF-TX-46 SSF-TX-60", len(p.sets), 1); t.Failed() {
				return
			}
			got := p.sets[p.jtis()[0]]
			const uri = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated"
			req.Equal(t, "SSF-TX-46 SSF-TX-60 SSF-TX-61 SSF-TX-63 EVT-30", got.Events[uri]["status"], any(status))
			req.Equal(t, "EVT-31", fmt.Sprint(got.Sub), fmt.Sprint(object{"format": "opaque", "id": id}))
			p = r.poll(appToken, id, object{"ack": p.jtis()})
			req.Equal(t, "SSF-TX-52", len(p.sets), 0)
			req.Equal(t, "SSF-TX-53 SSF-TX-55", r.statuses(held)[id], map[string]pipeline.Status{"paused": pipeline.Queued, "disabled": pipeline.Superseded}[status])
			if dead := r.deadNotes(); len(dead) != 1 {
				t.Errorf("people were told %q", dead)
			}
		})
	}
}

// deadNotes are what people are told of dead streams.
func (r *rig) deadNotes() (list []string) {
	_ = r.store.Journal(r.t.Context(), 0, func(_ uint64, data []byte) bool {
		var rec pipeline.Record
		if json.Unmarshal(data, &rec) == nil && rec.Operator != nil && rec.Operator.Verb == pipeline.VerbStreamDead {
			list = append(list, rec.Operator.Detail)
		}
		return true
	})
	return list
}

// TestDeadStream: a stream whose receiver takes nothing is told once, until it
// takes something.
func TestDeadStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, nil, two())
		defer r.stop()
		id := r.create(appToken, polling(revoked))
		jane := email(t, "jane@example.com")
		time.Sleep(time.Hour)
		for round := range 2 {
			r.act("session-revoked", jane)
			time.Sleep(10 * time.Minute)
			if n := len(r.deadNotes()); n != round {
				t.Errorf("told %d times after 10 minutes", n)
			}
			time.Sleep(20 * time.Minute)
			if n := len(r.deadNotes()); n != round+1 {
				t.Errorf("told %d times after 30 minutes", n)
			}
			r.take(appToken, id)
			time.Sleep(time.Minute)
		}
	})
}

func TestShiftBack(t *testing.T) {
	r := serve(t, nil, two())
	id := r.create(appToken, polling(revoked))
	for _, to := range []string{"paused", "enabled"} {
		if err := r.hub.shift(t.Context(), id, to, "for the test", func(*stream) bool { return true }); err != nil {
			t.Fatal(err)
		}
		got := r.take(appToken, id)
		if len(got) != 1 {
			t.Fatalf("%s: %d SETs", to, len(got))
		}
		req.Equal(t, "SSF-TX-60 SSF-TX-61 SSF-TX-62", fmt.Sprint(got[0].Events[got[0].event()]), fmt.Sprint(object{"status": to, "reason": "for the test"}))
	}
}

// TestDeliversAll: every event that events_delivered lists is delivered, and no
// other.
func TestDeliversAll(t *testing.T) {
	r := serve(t, nil, two())
	id, one := r.create(appToken, object{}), r.create(appToken, polling(revoked))
	listed, _ := r.ask(appToken, "GET", base+"/streams?stream_id="+id, nil).json(t)["events_delivered"].([]any)
	var want, got []string
	for i, uri := range listed {
		typ, _ := event.Lookup(uri.(string), "")
		r.act(typ.Name, email(t, fmt.Sprintf("user-%d@example.com", i)))
		want = append(want, uri.(string))
	}
	for _, c := range r.take(appToken, id) {
		got = append(got, c.event())
	}
	slices.Sort(want)
	slices.Sort(got)
	req.True(t, "SSF-TX-22", len(want) > 10 && slices.Equal(got, want), "delivered %q of %q", got, want)
	only := r.take(appToken, one)
	req.True(t, "SSF-TX-22", len(only) == 1 && only[0].event() == revoked, "a stream of one event got %v", only)
}

func TestEmit(t *testing.T) {
	r := serve(t, nil, two())
	id, other := r.create(appToken, polling(revoked)), r.create(hrToken, polling(changed))
	action, err := r.hub.Emit(t.Context(), id, kind.Trial{Event: "session-revoked", Subject: email(t, "jane@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.take(appToken, id); len(got) != 1 || got[0].event() != revoked {
		t.Errorf("the stream got %v", got)
	}
	if r.statuses(action)[id] != pipeline.Acked || len(r.take(hrToken, other)) > 0 {
		t.Error("not to this stream alone")
	}
	unwanted := kind.Trial{Event: "session-revoked", Subject: email(t, "jane@example.com")}
	if _, err := r.hub.Emit(t.Context(), other, unwanted); err == nil {
		t.Error("emitted what the stream does not deliver")
	}
	unwanted.Undelivered = true
	if _, err := r.hub.Emit(t.Context(), other, unwanted); err != nil {
		t.Error(err)
	}
	if got := r.take(hrToken, other); len(got) != 1 || got[0].event() != revoked {
		t.Errorf("the other stream got %v", got)
	}
	r.status(appToken, id, "disabled")
	for stream, name := range map[string]string{id: "session-revoked", other: "no-such-event", "s-none": "session-revoked"} {
		if _, err := r.hub.Emit(t.Context(), stream, kind.Trial{Event: name, Subject: email(t, "jane@example.com")}); err == nil {
			t.Errorf("emitted %s to %s", name, stream)
		}
	}
}

func TestSubjects(t *testing.T) {
	const user, device, tenant = `{"format":"email","email":"jane@example.com"}`, `{"format":"opaque","id":"dev-1"}`, `{"format":"opaque","id":"t-1"}`
	complexOf := func(parts string) string { return `{"format":"complex",` + parts + `}` }
	both := complexOf(`"user":` + user + `,"device":` + device)
	aliases := `{"format":"aliases","identifiers":[` + user + `,{"format":"opaque","id":"u-1"}]}`
	for _, c := range []struct {
		ids  string
		all  bool // default_subjects
		says []string
		in   []string
		out  []string
	}{
		{"SSF-TX-71", true, nil, []string{user, both, aliases}, nil},
		{"SSF-TX-71", false, nil, nil, []string{user, both, aliases}},
		{"SSF-TX-70 SSF-TX-71 MATCH-01", false, []string{"+" + user}, []string{user}, []string{device, `{"format":"email","email":"JANE@example.com"}`}},
		{"MATCH-06", false, []string{"+" + user}, []string{`{ "email": "jane@example.com", "format" : "email" }`}, []string{`{"format":"email","email":"Jane@example.com"}`}},
		{"SSF-TX-71", false, []string{"+" + user, "-" + user}, nil, []string{user, both}},
		{"SSF-TX-71", true, []string{"-" + user}, []string{device}, []string{user, both}},
		{"SSF-TX-71", true, []string{"-" + user, "+" + user}, []string{user, both}, nil},
		{"MATCH-02 MATCH-03", false, []string{"+" + both}, []string{both, complexOf(`"user":` + user), complexOf(`"device":` + device), complexOf(`"tenant":` + tenant)},
			[]string{user, complexOf(`"user":` + user + `,"device":` + tenant)}},
		{"MATCH-04", false, []string{"+" + user}, []string{both, complexOf(`"user":` + user)}, []string{complexOf(`"device":` + device)}},
		{"MATCH-05", false, []string{"+" + aliases}, []string{user, `{"format":"opaque","id":"u-1"}`, aliases}, []string{device}},
		{"MATCH-05", false, []string{"+" + aliases, "-" + user}, []string{`{"format":"opaque","id":"u-1"}`, aliases}, []string{user}},
		{"MATCH-05", true, []string{"-" + user}, []string{aliases, `{"format":"opaque","id":"u-1"}`}, []string{user}},
		{"MATCH-05", true, []string{"-" + aliases}, nil, []string{user, aliases, complexOf(`"user":` + user)}},
		{"SSF-TX-71", true, []string{"-" + aliases, "+" + user}, []string{user}, []string{`{"format":"opaque","id":"u-1"}`}},
		// What nobody spoke of stays in.
		{"SSF-TX-71", true, []string{"-" + both}, []string{complexOf(`"user":` + user), complexOf(`"tenant":` + tenant), user, device}, []string{both}},
		{"SSF-TX-71", true, []string{"-" + both, "+" + both}, []string{both}, nil},
	} {
		conf := two()
		if !c.all {
			conf.DefaultSubjects = "NONE"
		}
		r := serve(t, nil, conf)
		id := r.create(appToken, polling(revoked))
		for _, s := range c.says {
			path, want := "/subjects/add", http.StatusOK
			if s[0] == '-' {
				path, want = "/subjects/remove", http.StatusNoContent
			}
			a := r.ask(appToken, "POST", base+path, `{"stream_id":"`+id+`","subject":`+s[1:]+`}`)
			req.Equal(t, "SSF-TX-64 SSF-TX-68", fmt.Sprint(a.status, a.body), fmt.Sprint(want))
		}
		for _, list := range [][]string{c.in, c.out} {
			for _, text := range list {
				action := r.act("session-revoked", sub(t, text))
				_, got := r.statuses(action)[id]
				req.True(t, c.ids, got == slices.Contains(c.in, text), "ALL %t, said %q: events about %s are in: %t", c.all, c.says, text, got)
			}
		}
		r.stop()
	}
}

// TestEntitled: a receiver is told of those it may be told of, also where nobody
// needs to be added.
func TestEntitled(t *testing.T) {
	c := two()
	c.Receivers[0].Subjects = []string{"email:*@example.com"}
	r := serve(t, nil, c)
	id := r.create(appToken, polling(revoked))
	for address, want := range map[string]bool{"jane@example.com": true, "ceo@other.example": false} {
		_, got := r.statuses(r.act("session-revoked", email(t, address)))[id]
		req.True(t, "SSF-TX-74", got == want, "%s is told of: %t", address, got)
	}
}

func TestSubjectRefusals(t *testing.T) {
	c := two()
	c.DefaultSubjects = "NONE"
	c.Bounds = &Bounds{MaxSubjects: 2}
	c.Receivers[0].Subjects = []string{"email:*@example.com", "opaque:*"}
	r := serve(t, nil, c)
	id := r.create(appToken, polling(revoked))
	add := func(subject any) int {
		return r.ask(appToken, "POST", base+"/subjects/add", object{"stream_id": id, "subject": subject, "verified": false}).status
	}
	for ids, subject := range map[string]any{
		"SUB-13": "jane@example.com",
		"SUB-01": object{"email": "jane@example.com"},
		"SUB-02": object{"format": "email"},
		"SUB-03": object{"format": "email", "email": ""},
		"SUB-05": object{"format": "account", "uri": "https://example.com/jane"},
		"SUB-10": object{"format": "aliases", "identifiers": []object{{"format": "aliases", "identifiers": []object{{"format": "opaque", "id": "x"}}}}},
		"SUB-11": object{"format": "aliases", "identifiers": []object{}},
		"SUB-16": object{"format": "complex"},
		"SUB-18": object{"format": "complex", "user": object{"format": "complex", "user": object{"format": "opaque", "id": "x"}}},
		"SUB-21": object{"format": "made-up", "id": "x"},
		"SUB-22": object{"format": "jwt_id", "iss": "https://idp.example.com"},
		"SUB-23": object{"format": "saml_assertion_id", "issuer": "https://idp.example.com"},
		"SUB-24": object{"format": "ip-addresses", "ip-addresses": []string{"nowhere"}},
	} {
		req.Equal(t, "SSF-TX-67 "+ids, add(subject), http.StatusBadRequest)
	}
	twice := `{"stream_id":"` + id + `","subject":{"format":"complex","user":{"format":"opaque","id":"x"},"user":{"format":"opaque","id":"y"}}}`
	req.Equal(t, "SUB-20 SSF-TX-67", r.ask(appToken, "POST", base+"/subjects/add", twice).status, http.StatusBadRequest)
	itself := object{"format": "opaque", "id": id}
	a := r.ask(appToken, "POST", base+"/subjects/remove", object{"stream_id": id, "subject": itself})
	req.Equal(t, "SSF-TX-72", a.status, http.StatusBadRequest)
	req.Equal(t, "SSF-TX-72", add(itself), http.StatusOK)
	r.ask(appToken, "POST", base+"/verify", object{"stream_id": id, "state": "s"}) // though nobody was added
	req.Equal(t, "SSF-TX-72", len(r.take(appToken, id)), 1)
	// An answer does not tell whom we may speak of, and adding entitles to nothing.
	req.Equal(t, "SSF-TX-66 SSF-TX-75", add(object{"format": "email", "email": "ceo@other.example"}), http.StatusOK)
	action := r.act("session-revoked", email(t, "ceo@other.example"))
	_, got := r.statuses(action)[id]
	req.Equal(t, "SSF-TX-74", got, false)
	for i, want := range []int{200, 200, 403} {
		if got := add(object{"format": "opaque", "id": fmt.Sprint(i)}); got != want {
			t.Errorf("subject %d: %d, want %d", i, got, want)
		}
	}
	if got := add(object{"format": "opaque", "id": "0"}); got != 200 {
		t.Errorf("one that is there: %d", got)
	}
}

// TestNamedEvents: a receiver may be told what is named of the whole catalogue, and
// CAEP and RISC without names.
func TestNamedEvents(t *testing.T) {
	const scim, local = "urn:ietf:params:scim:event:prov:deactivate", "urn:signalbox:event:alert"
	c := two()
	c.Receivers[0].Events = []string{"caep:session-revoked", "prov:deactivate", "alert"}
	r := serve(t, nil, c)
	id := r.create(appToken, polling(scim, revoked, changed))
	got := r.ask(appToken, "GET", base+"/streams?stream_id="+id, nil).json(t)
	for member, want := range map[string][]string{"events_supported": {revoked, scim, local}, "events_delivered": {revoked, scim}} {
		if fmt.Sprint(got[member]) != fmt.Sprint(want) {
			t.Errorf("%s: %q, want %q", member, got[member], want)
		}
	}
	for name, ok := range map[string]bool{
		"prov:deactivate": true, "ip-change": true, "alert": true, "okta:session-revoked": false, "sessions-revoked": false,
		"verification": false, "unknown": false, "none": false,
	} {
		found := false
		eventProblems("events", []string{name}, func(string, string, string) { found = true })
		if found == ok {
			t.Errorf("%s: refused %t", name, found)
		}
	}
	if all := uris(nil); slices.Contains(all, scim) || slices.Contains(all, local) || !slices.Contains(all, revoked) {
		t.Errorf("without names: %q", all)
	}
}
