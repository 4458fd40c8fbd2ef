package drill

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

// Bounds of a drill: each leaves records behind.
const (
	Every          = 5 * time.Second // shortest distance between two
	DefaultTimeout = 20 * time.Second
	maxTimeout     = 50 * time.Second // below what a client of the api waits
)

// Line is what a drill goes along.
type Line struct {
	Pipeline *pipeline.Pipeline
	Keys     *jose.KeyStore
	Indexes  []string       // names
	Searcher query.Searcher // nil: nothing can be searched
	Now      func() time.Time
}

// Run sends one signal and follows it, for at most timeout. The answer holds
// every station, those not reached included. An *api.Error means that no drill
// was made: one is under way, or the last one was a moment ago.
func (d *Drill) Run(ctx context.Context, l Line, by string, timeout time.Duration) (api.DrillAnswer, error) {
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	if timeout < 0 || timeout > maxTimeout {
		return api.DrillAnswer{}, &api.Error{Message: "timeout out of range", Hint: "give at most " + maxTimeout.String()}
	}
	if !d.mu.TryLock() {
		return api.DrillAnswer{}, &api.Error{Message: "another drill is under way", Hint: "wait for it to end"}
	}
	defer d.mu.Unlock()
	if wait := Every - time.Since(d.began); !d.began.IsZero() && wait > 0 {
		return api.DrillAnswer{}, &api.Error{Message: "the last drill was a moment ago",
			Hint: fmt.Sprintf("try again in %d s; every drill leaves records in the journal", int(wait.Seconds())+1)}
	}
	d.began = time.Now()
	rec, err := newRecorder(l)
	if err != nil {
		return api.DrillAnswer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r := &run{Drill: d, Line: l, rec: rec, by: by}
	r.answer.Stations = []api.DrillStation{}
	r.follow(ctx)
	r.answer.Seconds = time.Since(d.began).Seconds()
	r.answer.OK = true
	for _, s := range r.answer.Stations {
		r.answer.OK = r.answer.OK && s.State != api.StationFailed && s.State != api.StationNotReached
	}
	return r.answer, nil
}

// run is one drill under way.
type run struct {
	*Drill
	Line
	rec    *recorder
	by     string
	answer api.DrillAnswer
	seq    uint64
	action *pipeline.Action
}

func (r *run) station(name, state string, took time.Duration, seen string) {
	r.answer.Stations = append(r.answer.Stations, api.DrillStation{Station: name, State: state, Seconds: took.Seconds(), Seen: seen})
}

func (r *run) ok(name string, took time.Duration, format string, args ...any) {
	r.station(name, api.StationOK, took, fmt.Sprintf(format, args...))
}

// fail notes a station that did not answer, or not as it must.
func (r *run) fail(name string, took time.Duration, err error) {
	text := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		text = "no answer in time"
	}
	r.station(name, api.StationFailed, took, text)
}

// stations is the way of a signal, in order.
func (r *run) stations() []string {
	list := []string{"verify", "normalize", "decide", "commit", "sign", "deliver"}
	for _, name := range r.Indexes {
		list = append(list, "index "+name)
	}
	return append(list, "search")
}

// follow goes from station to station and says of the rest that it was not
// reached.
func (r *run) follow(ctx context.Context) {
	if r.handle(ctx) {
		sent := r.deliver(ctx)
		for _, name := range r.Indexes {
			r.index(ctx, name)
		}
		r.search(ctx, sent)
	}
	all := r.stations()
	for _, name := range all[len(r.answer.Stations):] {
		r.station(name, api.StationNotReached, 0, "")
	}
}

// token is the test signal.
func (r *run) token() ([]byte, error) {
	about, err := event.NewSimple("opaque", "id", subject)
	if err != nil {
		return nil, err
	}
	typ, ok := event.ByName(eventName)
	if !ok {
		return nil, fmt.Errorf("event %s is not in the catalogue", eventName)
	}
	claims, err := set.Build(set.Claims{
		Issuer: Issuer, Audience: []string{Issuer}, IssuedAt: r.Now().Truncate(time.Second),
		JTI: rand.Text(), Subject: about, Event: typ.URI,
	})
	if err != nil {
		return nil, err
	}
	return r.signer.Sign(claims)
}

// handle takes the signal to its durable outcome: verify, normalize, decide,
// commit.
func (r *run) handle(ctx context.Context) bool {
	token, err := r.token()
	if err != nil {
		r.fail("verify", 0, err)
		return false
	}
	receipts, err := r.Pipeline.Handle(pipeline.WithObserver(ctx, r.rec), []pipeline.Message{{
		Source: Name, Body: token, ContentType: "application/secevent+jwt", Received: r.Now(),
		Sender: r.by, Delivery: "internal", Test: true,
	}})
	took := r.rec.took
	if err != nil {
		r.uncommitted(took, err)
		return false
	}
	got := receipts[0]
	switch {
	case got.Retry != nil:
		r.fail("verify", took["verify"], got.Retry)
		return false
	case got.Reject != nil:
		r.fail("verify", took["verify"], got.Reject)
		return false
	}
	r.seq, r.answer.ID = got.Seq, got.ID
	found, err := r.Pipeline.Find(ctx, got.ID)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("the journal holds %d records of the signal", len(found))
	}
	if err != nil {
		r.uncommitted(took, err)
		return false
	}
	return r.outcome(took, found[0].Record)
}

// uncommitted is told of a signal whose outcome is not durable: the stations
// that were timed have done their work.
func (r *run) uncommitted(took map[string]time.Duration, err error) {
	for _, name := range []string{"verify", "normalize", "decide", "commit"} {
		d, done := took[name]
		if !done || name == "commit" {
			r.fail(name, d, err)
			return
		}
		r.ok(name, d, "done")
	}
}

// outcome reads what the journal says of the signal.
func (r *run) outcome(took map[string]time.Duration, rec *pipeline.Record) bool {
	r.ok("verify", took["verify"]-took["normalize"], "%s, %s token of %s", rec.Input.Verdict, rec.Input.Alg, rec.Input.Issuer)
	if len(rec.Outcomes) != 1 {
		r.fail("normalize", took["normalize"], fmt.Errorf("%d events instead of one", len(rec.Outcomes)))
		return false
	}
	o := &rec.Outcomes[0]
	r.ok("normalize", took["normalize"], "one event, %s", o.Event.Type)
	switch {
	case o.Decision == nil:
		r.fail("decide", took["decide"], errors.New("no decision: "+o.Remit))
		return false
	case len(o.Decision.Errors) > 0:
		r.fail("decide", took["decide"], errors.New("the rule failed: "+o.Decision.Errors[0].Message))
		return false
	case len(rec.Actions) != 1:
		r.fail("decide", took["decide"], fmt.Errorf("%d actions instead of one", len(rec.Actions)))
		return false
	}
	r.action = &rec.Actions[0]
	r.answer.Stopped = r.action.Guard == "stop"
	r.ok("decide", took["decide"], "%s, action %s", o.Decision.Result, r.action.Status)
	r.ok("commit", took["commit"], "journal record %d", r.seq)
	return true
}

// deliver has the action signed and handed to the drill's sink. It reports
// whether it was.
func (r *run) deliver(ctx context.Context) bool {
	if r.action.Status != pipeline.Queued {
		why := "held by the guard " + strconv.Quote(r.action.Guard) + ": " + r.action.Why
		r.station("sign", api.StationSkipped, 0, why)
		r.station("deliver", api.StationSkipped, 0, why)
		return false
	}
	start := time.Now()
	ctx = pipeline.WithObserver(ctx, r.rec)
	loop, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.Pipeline.Deliver(loop, Name, r.rec) }()
	defer func() {
		end()
		<-ended
	}()
	err := r.rec.await(ctx, func() bool { return r.rec.tokens[r.action.ID] != nil })
	if err != nil {
		name := "sign"
		if r.rec.signedFor() > 0 {
			r.ok("sign", r.rec.signedFor(), "done")
			name = "deliver"
		}
		r.fail(name, time.Since(start), err)
		return false
	}
	alg, err := r.check(ctx, r.rec.tokens[r.action.ID])
	if err != nil {
		r.fail("sign", r.rec.signedFor(), fmt.Errorf("what was signed does not verify with our own key set: %w", err))
		return false
	}
	r.ok("sign", r.rec.signedFor(), "%s, verified with our own key set", alg)
	if err := r.rec.await(ctx, func() bool { return r.rec.status == pipeline.Acked }); err != nil {
		r.fail("deliver", time.Since(start), err)
		return false
	}
	r.ok("deliver", time.Since(start), "%s acknowledged", r.action.ID)
	return true
}

func (r *recorder) signedFor() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.signed
}

// check verifies what was signed as a receiver would.
func (r *run) check(ctx context.Context, token []byte) (alg string, err error) {
	keys, err := jose.Static(r.Keys.JWKS())
	if err != nil {
		return "", err
	}
	v, err := set.New([]set.Issuer{{URL: Issuer, Keys: keys, Audience: []string{Issuer}}}, set.Options{Now: r.Now})
	if err != nil {
		return "", err
	}
	s, err := v.Verify(ctx, pipeline.Message{Body: token})
	return s.Alg, err
}

// index waits until an index has taken the journal record.
func (r *run) index(ctx context.Context, name string) {
	start := time.Now()
	var at uint64
	err := poll(ctx, func() (done bool, err error) {
		at, err = r.Pipeline.Indexed(ctx, name)
		return at >= r.seq, err
	})
	if err != nil {
		r.fail("index "+name, time.Since(start), fmt.Errorf("%w: it stands at journal record %d, the signal is %d", err, at, r.seq))
		return
	}
	r.ok("index "+name, time.Since(start), "took journal record %d", r.seq)
}

// search finds the signal's documents as an analyst would.
func (r *run) search(ctx context.Context, sent bool) {
	if r.Searcher == nil {
		r.station("search", api.StationSkipped, 0, "no index can be searched")
		return
	}
	start := time.Now()
	want := 3 // event, decision, action
	if sent {
		want++ // and its acknowledgement
	}
	q, err := query.Parse(`chain.root:"` + r.answer.ID + `" AND tags:test`)
	if err != nil {
		r.fail("search", 0, err)
		return
	}
	n := 0
	err = poll(ctx, func() (bool, error) {
		page, err := r.Searcher.Search(ctx, q, query.Options{Size: 10, SkipTotal: true, Now: r.Now()})
		n = len(page.Docs)
		return n >= want, err
	})
	if err != nil {
		r.fail("search", time.Since(start), fmt.Errorf("%w: %d of %d documents found", err, n, want))
		return
	}
	r.ok("search", time.Since(start), "%d documents found", n)
}

// poll asks until it is done or ctx ends, ever less often.
func poll(ctx context.Context, ask func() (bool, error)) error {
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		done, err := ask()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}
