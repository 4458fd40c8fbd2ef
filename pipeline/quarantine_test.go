package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/set"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// pushed is a message as an authenticated sender pushes it.
func pushed(source, body string) pipeline.Message {
	return pipeline.Message{Source: source, Sender: idp, Delivery: "push", ContentType: "application/secevent+jwt", Body: []byte(body), Received: morning}
}

// kept lists the quarantine.
func (r *rig) kept(f pipeline.QuarantineFilter) []pipeline.Quarantined {
	r.t.Helper()
	list, total, err := r.Quarantined(r.t.Context(), f, 1000)
	if err != nil || total != len(list) {
		r.t.Fatalf("%d of %d, %v", len(list), total, err)
	}
	return list
}

func (r *rig) handleAll(msgs ...pipeline.Message) []pipeline.Receipt {
	r.t.Helper()
	receipts, err := r.Handle(r.t.Context(), msgs)
	if err != nil {
		r.t.Fatal(err)
	}
	return receipts
}

// journaled lists the journal's records of a kind.
func (r *rig) journaled(kind pipeline.RecordKind) (list []*pipeline.Record) {
	r.t.Helper()
	err := r.store.Journal(r.t.Context(), 0, func(_ uint64, text []byte) bool {
		rec := new(pipeline.Record)
		if err := json.Unmarshal(text, rec); err != nil {
			r.t.Fatal(err)
		}
		if rec.Kind == kind {
			list = append(list, rec)
		}
		return true
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func TestQuarantine(t *testing.T) {
	r := newRig(t, nil)
	stranger := pushed("idp", "from a stranger")
	stranger.Sender = ""
	r.handleAll(stranger, pushed("idp", "unavailable")) // one a stranger's, one not to be judged now
	if list := r.kept(pipeline.QuarantineFilter{}); len(list) != 0 {
		t.Fatalf("quarantine holds %+v", list)
	}
	r.handleAll(pushed("idp", "not a token"), pushed("idp", "not a token"))
	r.clock.pass(time.Hour)
	r.handleAll(pushed("idp", "not a token"), pushed("vpn", "not a token"), pushed("idp", "another"))
	list := r.kept(pipeline.QuarantineFilter{Source: "idp", Issuer: idp, Code: "invalid_request"})
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	e := list[0]
	if e.Count != 3 || !e.First.Equal(morning) || !e.Last.Equal(morning.Add(time.Hour)) || e.Sender != idp || e.Size != len("not a token") || e.Body != nil {
		t.Errorf("%+v", e)
	}
	whole, err := r.QuarantinedMessage(t.Context(), e.ID)
	if err != nil || string(whole.Body) != "not a token" {
		t.Errorf("%+v, %v", whole, err)
	}
	// The record of a refusal says where the message is.
	rejects := r.journaled(pipeline.RejectRecord)
	if len(rejects) != 6 || rejects[0].Input.Reject.Quarantine != "" || rejects[1].Input.Reject.Quarantine != e.ID || rejects[4].Input.Reject.Quarantine == e.ID {
		t.Errorf("%d records of refusals", len(rejects))
	}
	if got := r.kept(pipeline.QuarantineFilter{Code: "invalid_key"}); len(got) != 0 {
		t.Errorf("the filter chose %+v", got)
	}
	if _, _, err := r.Explain(t.Context(), []pipeline.Message{pushed("idp", "only asked about")}); err != nil || len(r.kept(pipeline.QuarantineFilter{})) != 3 {
		t.Errorf("explain changed the quarantine: %v", err)
	}

	n, err := r.DropQuarantined(t.Context(), []string{e.ID, "q-nobody"}, "ann", "junk")
	if err != nil || n != 1 || len(r.kept(pipeline.QuarantineFilter{})) != 2 {
		t.Errorf("%d dropped, %v", n, err)
	}
	if _, err := r.QuarantinedMessage(t.Context(), e.ID); !errors.Is(err, pipeline.ErrNotQuarantined) {
		t.Errorf("error %v", err)
	}
	acts := r.journaled(pipeline.OperatorRecord)
	if last := acts[len(acts)-1].Operator; last.Verb != "quarantine-drop" || last.By != "ann" || last.Comment != "junk" {
		t.Errorf("journaled %+v", last)
	}
}

// TestDrillIsNotQuarantined: a drill that was refused is none any more when it
// is tried again, so it is not kept for that.
func TestDrillIsNotQuarantined(t *testing.T) {
	r := newRig(t, nil)
	m := pushed("drill", "not a token")
	m.Test = true
	r.handleAll(m)
	if list := r.kept(pipeline.QuarantineFilter{}); len(list) != 0 {
		t.Errorf("quarantine holds %+v", list)
	}
}

// counted is an observer of the quarantine.
type counted struct {
	pipeline.Blind
	dropped, entered atomic.Int32
}

func (c *counted) Quarantine(_, what string, n int) {
	switch what {
	case "dropped":
		c.dropped.Add(int32(n))
	case "entered":
		c.entered.Add(int32(n))
	}
}

func TestQuarantineBounds(t *testing.T) {
	obs := new(counted)
	r := newRig(t, nil, func(r *rig) {
		r.options.Observer = obs
		r.settings.Quarantine = pipeline.Quarantine{MaxEntries: 3, MaxBytes: 1000}
	})
	body := func(i, size int) string { return fmt.Sprintf("%03d", i) + strings.Repeat("x", size-3) }
	r.handleAll(pushed("quiet", body(0, 300)))
	for i := range 5 {
		r.clock.pass(time.Second)
		r.handleAll(pushed("noisy", body(i, 100)))
	}
	noisy := r.kept(pipeline.QuarantineFilter{Source: "noisy"})
	if len(noisy) != 3 || noisy[0].First.Sub(morning) != 3*time.Second {
		t.Errorf("noisy has %+v, want the newest 3", noisy)
	}
	// One that fills the whole room pushes out its own source's, not the other's.
	r.handleAll(pushed("noisy", body(9, 600)))
	if n, q := r.kept(pipeline.QuarantineFilter{Source: "noisy"}), r.kept(pipeline.QuarantineFilter{Source: "quiet"}); len(n) != 2 || len(q) != 1 {
		t.Errorf("noisy has %d and quiet %d, want 2 and 1", len(n), len(q))
	}
	r.handleAll(pushed("quiet", body(1, 1001))) // more than there is room at all
	if q := r.kept(pipeline.QuarantineFilter{Source: "quiet"}); len(q) != 1 {
		t.Errorf("quiet has %d", len(q))
	}
	rejects := r.journaled(pipeline.RejectRecord)
	if last := rejects[len(rejects)-1].Input.Reject; last.Quarantine != "" {
		t.Errorf("a record names %s, which is not there", last.Quarantine)
	}
	if d, e := obs.dropped.Load(), obs.entered.Load(); d != 5 || e != 7 {
		t.Errorf("%d dropped of %d entered, want 5 of 7", d, e)
	}
	if n := len(r.kept(pipeline.QuarantineFilter{})); n != 3 {
		t.Errorf("%d are there", n)
	}
}

// TestQuarantineKeyRotation: a token whose key the issuer has not published yet
// is refused and kept; keys out of reach are a reason to wait and not to refuse;
// with the key published the token is taken, once.
func TestQuarantineKeyRotation(t *testing.T) {
	old, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	var published atomic.Pointer[[]byte]
	jwks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text := published.Load()
		if text == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(*text)
	}))
	defer jwks.Close()
	publish := func(s *jose.Signer) {
		if s == nil {
			published.Store(nil)
			return
		}
		text := s.JWKS()
		published.Store(&text)
	}
	dir := t.TempDir()
	options := store.Options{Now: func() time.Time { return morning }}
	disk, err := store.Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, disk)
	verify := func() { // fresh keys, as after a reload
		keys, err := jose.Remote(jwks.URL, http.DefaultClient, jose.RemoteOptions{Now: r.now})
		if err != nil {
			t.Fatal(err)
		}
		r.settings.Verifier, err = set.New([]set.Issuer{{URL: idp, Keys: keys, Audience: []string{"https://siem.example.com"}}}, set.Options{Now: r.now})
		if err != nil {
			t.Fatal(err)
		}
		r.Use(r.settings)
	}
	subject, err := event.NewSimple("email", "email", "jane@example.com")
	if err != nil {
		t.Fatal(err)
	}
	typ, _ := event.ByName("session-revoked")
	claims, err := set.Build(set.Claims{Issuer: idp, Audience: []string{"https://siem.example.com"}, IssuedAt: morning, JTI: "j-1", Subject: subject, Event: typ.URI})
	if err != nil {
		t.Fatal(err)
	}
	token, err := fresh.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}

	publish(nil)
	verify()
	if got := r.handleAll(pushed("idp", string(token)))[0]; got.Retry == nil || got.Reject != nil {
		t.Fatalf("keys out of reach: %+v", got)
	}
	if list := r.kept(pipeline.QuarantineFilter{}); len(list) != 0 {
		t.Fatalf("what could not be judged is in quarantine: %+v", list)
	}
	publish(old)
	verify()
	if got := r.handleAll(pushed("idp", string(token)))[0]; got.Reject == nil || got.Reject.Code != pipeline.InvalidKey {
		t.Fatalf("key unknown: %+v", got)
	}

	// The quarantine outlives the process.
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
	if disk, err = store.Open(dir, options); err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	r.store, r.options.Store = disk, disk
	r.restart()
	list := r.kept(pipeline.QuarantineFilter{Issuer: idp, Code: pipeline.InvalidKey})
	if len(list) != 1 || list[0].Issuer != idp || list[0].JTI != "j-1" || list[0].Count != 1 {
		t.Fatalf("%+v", list)
	}
	id := list[0].ID

	retry := func() pipeline.Retried {
		t.Helper()
		results, err := r.RetryQuarantined(t.Context(), []string{id}, "ann")
		if err != nil || len(results) != 1 {
			t.Fatalf("%+v, %v", results, err)
		}
		return results[0]
	}
	if got := retry(); got.Reject == nil || got.Reject.Code != pipeline.InvalidKey {
		t.Errorf("before the key is there: %+v", got)
	}
	publish(nil)
	verify()
	if got := retry(); got.Retry == "" || got.Verdict != "" {
		t.Errorf("while keys are out of reach: %+v", got)
	}
	if list := r.kept(pipeline.QuarantineFilter{}); len(list) != 1 || list[0].Count != 1 {
		t.Errorf("%+v", list)
	}
	publish(fresh)
	verify()
	got := retry()
	if got.Verdict != pipeline.Accepted || got.Input != pipeline.SETInputID(idp, "j-1") {
		t.Errorf("with the key: %+v", got)
	}
	if list := r.kept(pipeline.QuarantineFilter{}); len(list) != 0 {
		t.Errorf("still there: %+v", list)
	}
	// Seen marks work as for any message, and a second try finds nothing.
	if got := r.handleAll(pushed("idp", string(token)))[0]; got.Verdict != pipeline.Repeated {
		t.Errorf("pushed again: %+v", got)
	}
	if got := retry(); got.Verdict != pipeline.Repeated || got.Input != "" {
		t.Errorf("tried again: %+v", got)
	}
	var acts []string
	for _, rec := range r.journaled(pipeline.OperatorRecord) {
		if rec.Operator.Verb == "quarantine-retry" && rec.Operator.By == "ann" {
			acts = append(acts, rec.Operator.Detail)
		}
	}
	if len(acts) != 2 || !strings.HasPrefix(acts[0], id+": rejected: ") || acts[1] != id+": accepted" {
		t.Errorf("journaled %q", acts)
	}
	inputs := r.journaled(pipeline.InputRecord)
	if len(inputs) != 1 || len(inputs[0].Actions) != 1 {
		t.Errorf("%d inputs: the token was not decided upon once", len(inputs))
	}
}

// moody is a verifier that refuses what its mood says.
type moody struct {
	pipelinetest.Plain
	mood func(m pipeline.Message) error
}

func (v *moody) Verify(ctx context.Context, m pipeline.Message) (pipeline.Signal, error) {
	if err := v.mood(m); err != nil {
		return pipeline.Signal{}, err
	}
	return v.Plain.Verify(ctx, m)
}

// TestQuarantineNewReason: a message that is refused for something else stays,
// with that as its reason, and others of the batch go.
func TestQuarantineNewReason(t *testing.T) {
	v := new(moody)
	refuse := func(code string) error { return &pipeline.RejectError{Code: code, Description: "for the test"} }
	r := newRig(t, nil, func(r *rig) { r.settings.Verifier = v })
	one := `{"iss":"https://idp.example.com","jti":"j-1","iat":1770112800,"sub_id":{"format":"email","email":"jane@example.com"},"events":{"session-revoked":{}}}`
	two := strings.Replace(one, "j-1", "j-2", 1)
	v.mood = func(pipeline.Message) error { return refuse(pipeline.InvalidAudience) }
	r.handleAll(pushed("idp", one), pushed("idp", two))

	v.mood = func(m pipeline.Message) error {
		if string(m.Body) == one {
			return refuse(pipeline.InvalidKey)
		}
		return nil
	}
	var ids []string
	for _, e := range r.kept(pipeline.QuarantineFilter{}) {
		ids = append(ids, e.ID)
	}
	results, err := r.RetryQuarantined(t.Context(), ids, "ann")
	if err != nil || len(results) != 2 {
		t.Fatalf("%+v, %v", results, err)
	}
	list := r.kept(pipeline.QuarantineFilter{})
	if len(list) != 1 || list[0].Code != pipeline.InvalidKey || list[0].Count != 1 {
		t.Errorf("%+v", list)
	}
	taken := 0
	for _, got := range results {
		if got.Verdict == pipeline.Accepted {
			taken++
		}
	}
	if taken != 1 {
		t.Errorf("%+v", results)
	}
}
