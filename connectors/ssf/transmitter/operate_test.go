package transmitter

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// state is how a stream stands.
func (r *rig) state(id string) kind.StreamState {
	r.t.Helper()
	list, err := r.hub.Streams(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, x := range list {
		if x.ID == id {
			return x
		}
	}
	r.t.Fatalf("no stream %s in %+v", id, list)
	return kind.StreamState{}
}

// TestSetStatus: an operator's word is told to the receiver before the stream
// stops and when it goes on, and the receiver cannot undo it.
func TestSetStatus(t *testing.T) {
	r := serve(t, nil, two())
	id := r.create(appToken, polling(revoked))
	set := func(status, reason, was string) {
		t.Helper()
		if got, err := r.hub.SetStatus(t.Context(), id, status, reason); err != nil || got != was {
			t.Fatalf("%s: was %q, %v; want %q", status, got, err, was)
		}
	}
	told := func(want object) {
		t.Helper()
		got := r.take(appToken, id)
		if len(got) != 1 || !strings.HasSuffix(got[0].event(), "/stream-updated") {
			t.Fatalf("the receiver got %v", got)
		}
		body := got[0].Events[got[0].event()]
		req.True(t, "SSF-TX-60 SSF-TX-61 SSF-TX-62", body["status"] == want["status"] && body["reason"] == want["reason"], "told %v, want %v", body, want)
	}
	set("paused", "maintenance", "enabled")
	told(object{"status": "paused", "reason": "maintenance"})
	if x := r.state(id); x.Status != "paused" || x.Reason != "maintenance" || !x.Held {
		t.Errorf("%+v", x)
	}
	a := r.status(appToken, id, "enabled")
	req.Equal(t, "SSF-TX-59", a.status, http.StatusForbidden)
	if !strings.Contains(a.body, "operator") {
		t.Errorf("the receiver is told %s", a.body)
	}
	if a := r.status(appToken, id, "paused"); a.status != http.StatusOK {
		t.Errorf("what it is already: %d %s", a.status, a.body)
	}
	set("paused", "again", "paused")
	if got := r.take(appToken, id); len(got) > 0 {
		t.Errorf("told of no change: %v", got)
	}
	set("enabled", "", "paused")
	told(object{"status": "enabled"})
	if a := r.status(appToken, id, "paused"); a.status != http.StatusOK {
		t.Errorf("its own pause: %d %s", a.status, a.body)
	}
	if x := r.state(id); x.Held {
		t.Error("what the receiver paused is held by an operator")
	}
	set("disabled", "not paid", "paused")
	told(object{"status": "disabled", "reason": "not paid"})
	for _, c := range [][2]string{{"s-none", "paused"}, {id, "asleep"}} {
		if _, err := r.hub.SetStatus(t.Context(), c[0], c[1], ""); err == nil {
			t.Errorf("%s became %s", c[0], c[1])
		}
	}
}

// TestCourse: what became of the SETs of a stream is seen at once, over a restart,
// and in the store of a product that does not run.
func TestCourse(t *testing.T) {
	s := store.NewMemory(store.Options{}, store.Faults{})
	receiver := pipelinetest.NewPushReceiver(t)
	c := two()
	c.Receivers[0].Streams = []Declared{{Name: "main", Push: &Push{Endpoint: receiver.URL, AllowPrivate: true}}}
	r := serve(t, s, c)
	polled := r.create(appToken, polling(revoked))
	emit := func(id string) {
		t.Helper()
		if _, err := r.hub.Emit(t.Context(), id, kind.Trial{Event: "session-revoked", Subject: email(t, "jane@example.com")}); err != nil {
			t.Fatal(err)
		}
	}
	if x := r.state(polled); !x.Delivered.IsZero() || !x.Acked.IsZero() || !x.Failed.IsZero() || x.Declared || x.Method != "poll" {
		t.Errorf("at first: %+v", x)
	}
	emit(polled)
	if x := r.state(polled); x.Pending != 1 || x.Oldest.IsZero() {
		t.Errorf("one waits: %+v", x)
	}
	sets := r.ask(appToken, "POST", base+"/poll/"+polled, object{"returnImmediately": true}).json(t)["sets"].(map[string]any)
	if x := r.state(polled); x.Delivered.IsZero() || !x.Acked.IsZero() {
		t.Errorf("handed out: %+v", x)
	}
	errs := object{"made-up": object{"err": "invalid_key"}}
	r.ask(appToken, "POST", base+"/poll/"+polled, object{"returnImmediately": true, "setErrs": errs})
	if x := r.state(polled); !x.Failed.IsZero() {
		t.Errorf("a SET that nobody was sent was refused: %+v", x)
	}
	for jti := range sets {
		errs[jti] = object{"err": "invalid_key", "description": "unknown kid"}
	}
	r.ask(appToken, "POST", base+"/poll/"+polled, object{"returnImmediately": true, "setErrs": errs})
	if x := r.state(polled); x.Failed.IsZero() || !strings.Contains(x.Error, "unknown kid") || !x.Acked.IsZero() || x.Pending != 0 {
		t.Errorf("refused: %+v", x)
	}
	r.ask(appToken, "POST", base+"/verify", object{"stream_id": polled})
	if x := r.state(polled); x.Verified.IsZero() {
		t.Errorf("verification was asked for: %+v", x)
	}

	receiver.Answer(func(pipelinetest.Pushed) pipelinetest.Answer {
		return pipelinetest.Answer{Status: http.StatusBadGateway}
	})
	emit("app.main")
	r.until("the push failed", func() bool { return !r.state("app.main").Failed.IsZero() })
	if x := r.state("app.main"); !x.Delivered.IsZero() || !strings.Contains(x.Error, "502") || !x.Declared || x.Method != "push" {
		t.Errorf("failed: %+v", x)
	}
	receiver.Answer(nil)
	r.until("the push arrived", func() bool { return !r.state("app.main").Acked.IsZero() })
	before := r.state("app.main")
	if before.Delivered.IsZero() || before.Error == "" {
		t.Errorf("arrived: %+v", before)
	}
	r.stop()

	list, err := c.InspectStreams(t.Context(), "signals", s)
	if err != nil || len(list) != 2 || list[0].ID != "app.main" || !list[0].Acked.Equal(before.Acked) || list[0].Error != before.Error {
		t.Errorf("stopped: %+v, %v; want %+v", list, err, before)
	}
	r = serve(t, s, c)
	if x := r.state("app.main"); !x.Acked.Equal(before.Acked) || !x.Failed.Equal(before.Failed) {
		t.Errorf("after a restart: %+v, want %+v", x, before)
	}
	if a := r.ask(appToken, "DELETE", base+"/streams?stream_id="+polled, nil); a.status != http.StatusNoContent {
		t.Fatalf("delete: %d %s", a.status, a.body)
	}
	r.until("nothing of it is left", func() bool {
		n := 0
		if err := s.Scan(t.Context(), r.hub.courseKey(polled), func(string, []byte) bool { n++; return true }); err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
}

func TestCourseWith(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	old := course{Delivered: at, Acked: at, Failed: at.Add(time.Minute), Error: "refused"}
	got := old.with(course{Delivered: at.Add(time.Hour), Failed: at, Error: "earlier"})
	if want := (course{Delivered: at.Add(time.Hour), Acked: at, Failed: at.Add(time.Minute), Error: "refused"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
