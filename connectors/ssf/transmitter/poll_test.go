package transmitter

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, nil, two())
		defer r.stop()
		id := r.create(appToken, polling(revoked))
		a := r.ask(appToken, "POST", base+"/poll/"+id, object{"returnImmediately": true})
		req.Equal(t, "POLL-02 POLL-07", strings.TrimSpace(a.body), `{"sets":{},"moreAvailable":false}`)
		req.Equal(t, "POLL-02", a.header.Get("Content-Type"), "application/json")

		jane, joe := email(t, "jane@example.com"), email(t, "joe@example.com")
		first := r.act("session-revoked", jane)
		second := r.act("session-revoked", joe)
		third := r.act("session-revoked", jane)
		r.act("credential-change", jane) // not delivered by this stream

		p := r.poll(appToken, id, object{"maxEvents": 1})
		req.Equal(t, "POLL-03", len(p.sets), 1)
		req.Equal(t, "POLL-17", p.more, true)
		q := r.poll(appToken, id, nil)
		req.Equal(t, "SSF-TX-54 POLL-03", len(q.sets), 1) // the third waits behind the first
		var acks []string
		for _, x := range []polled{p, q} {
			for jti, c := range x.sets {
				req.Equal(t, "POLL-19", c.JTI, jti)
				req.Equal(t, "SSF-TX-04 SET-03", c.Issuer, issuer)
				req.Equal(t, "SSF-TX-17 SET-08", c.Aud, any("https://app.example.com"))
				req.Equal(t, "SSF-TX-22 INTEROP-26", fmt.Sprint(len(c.Events), " ", c.event()), "1 "+revoked)
				if c.IAT > time.Now().Unix() {
					t.Errorf("iat is %d s ahead", c.IAT-time.Now().Unix())
				}
				acks = append(acks, jti)
			}
		}
		if again := r.poll(appToken, id, nil); len(again.sets) > 0 || again.more {
			t.Errorf("handed out twice at once: %v", again.jtis())
		}
		p = r.poll(appToken, id, object{"ack": acks, "maxEvents": 0})
		req.Equal(t, "POLL-04", len(p.sets), 0)
		req.Equal(t, "POLL-10", r.statuses(first)[id], pipeline.Acked)
		req.Equal(t, "POLL-10", r.statuses(second)[id], pipeline.Acked)
		p = r.poll(appToken, id, object{"ack": []string{"made-up", acks[0]}})
		req.Equal(t, "POLL-23", fmt.Sprint(p.status, len(p.sets)), "200 1")
		jti := p.jtis()[0]
		if n := p.sets[jti].Events[revoked]["n"]; n != 3.0 {
			t.Errorf("the third is event %v", n)
		}
		p = r.poll(appToken, id, object{"setErrs": object{jti: object{"err": "invalid_key", "description": "unknown kid"}}})
		req.Equal(t, "POLL-11", fmt.Sprint(len(p.sets), p.more), "0 false")
		req.Equal(t, "POLL-11", r.statuses(third)[id], pipeline.Dead)
		time.Sleep(time.Hour)
		if p := r.poll(appToken, id, nil); len(p.sets) > 0 {
			t.Errorf("what was refused came again: %v", p.jtis())
		}
	})
}

// TestRedelivery: what was handed out and not acknowledged is offered again, as
// the same bytes.
func TestRedelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, nil, two())
		defer r.stop()
		id := r.create(appToken, polling(revoked))
		r.act("session-revoked", email(t, "jane@example.com"))
		first := r.ask(appToken, "POST", base+"/poll/"+id, object{"returnImmediately": true}).body
		time.Sleep(45 * time.Second)
		if p := r.poll(appToken, id, nil); len(p.sets) > 0 {
			t.Error("offered again before its time")
		}
		start := time.Now()
		again := r.ask(appToken, "POST", base+"/poll/"+id, object{}).body
		req.Equal(t, "POLL-15", again, first)
		if waited := time.Since(start); waited < 14*time.Second || waited > 16*time.Second {
			t.Errorf("offered again after %v of waiting", waited)
		}
	})
}

func TestLongPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, nil, two())
		defer r.stop()
		id := r.create(appToken, polling(revoked))
		start := time.Now()
		p := r.pollIn(t.Context(), appToken, id, object{})
		req.Equal(t, "POLL-06 POLL-02", fmt.Sprint(p.status, len(p.sets), time.Since(start)), "200 0 30s")

		wait := func(body object) <-chan polled {
			got := make(chan polled, 1)
			go func() { got <- r.pollIn(context.Background(), appToken, id, body) }()
			synctest.Wait()
			return got
		}
		got := wait(object{"maxEvents": 5})
		time.Sleep(7 * time.Second)
		start = time.Now()
		r.act("session-revoked", email(t, "jane@example.com"))
		p = <-got
		req.Equal(t, "POLL-06", len(p.sets), 1)
		if late := time.Since(start); late > time.Second {
			t.Errorf("answered %v after the SET was there", late)
		}
		// Acknowledge only, without returning at once: waits, and brings nothing.
		got = wait(object{"maxEvents": 0, "ack": p.jtis()})
		r.act("session-revoked", email(t, "joe@example.com"))
		p = <-got
		req.Equal(t, "POLL-05 POLL-04", fmt.Sprint(len(p.sets), p.more), "0 true")
		p = r.poll(appToken, id, nil)
		r.poll(appToken, id, object{"ack": p.jtis(), "maxEvents": 0})

		// A later poll takes the place of one that waits.
		one := wait(object{})
		two := wait(object{})
		p = <-one
		req.Equal(t, "POLL-26", len(p.sets), 0)
		r.act("session-revoked", email(t, "jim@example.com"))
		p = <-two
		req.Equal(t, "POLL-26", len(p.sets), 1)

		// A stream that is deleted while a poll waits is gone.
		got = wait(object{"ack": p.jtis()})
		r.ask(appToken, "DELETE", base+"/streams?stream_id="+id, nil)
		p = <-got
		req.Equal(t, "POLL-24", p.status, http.StatusNotFound)
	})
}

// TestStopEndsPolls: a shutdown does not wait for long polls.
func TestStopEndsPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, nil, two())
		id := r.create(appToken, polling(revoked))
		got := make(chan polled, 1)
		go func() { got <- r.pollIn(context.Background(), appToken, id, object{}) }()
		synctest.Wait()
		start := time.Now()
		r.stop()
		if p := <-got; time.Since(start) > 0 || p.status != http.StatusOK {
			t.Errorf("%d after %v", p.status, time.Since(start))
		}
	})
}

func TestPollRefusals(t *testing.T) {
	r := serve(t, nil, two())
	id := r.create(appToken, polling(revoked))
	other := r.create(appToken, pushing("https://app.example.com/"))
	r.act("session-revoked", email(t, "jane@example.com"))
	p := r.poll(appToken, id, nil)
	ack := object{"ack": p.jtis(), "returnImmediately": true}
	for _, body := range []any{
		`{`, `[]`, `{"maxEvents":-1}`, `{"maxEvents":1.5}`, `{"maxEvents":"1"}`, `{"returnImmediately":1}`, `{"ack":"x"}`, `{"ack":[1]}`,
		`{"setErrs":[]}`, `{"setErrs":{"x":"invalid_key"}}`, `{"setErrs":{"x":{}}}`,
	} {
		req.Equal(t, "POLL-18", r.ask(appToken, "POST", base+"/poll/"+id, body).status, http.StatusBadRequest)
	}
	// Somebody else's acknowledgement forgets nothing.
	req.Equal(t, "SSF-TX-17 SSF-TX-48", r.ask(hrToken, "POST", base+"/poll/"+id, ack).status, http.StatusNotFound)
	if a := r.ask(appToken, "POST", base+"/poll/"+other, ack); a.status != http.StatusNotFound {
		t.Errorf("poll of a push stream: %d", a.status)
	}
	mine := r.create(hrToken, polling(revoked))
	if p := r.poll(hrToken, mine, ack); p.status != http.StatusOK {
		t.Errorf("acknowledging elsewhere: %d", p.status)
	}
	if n, _ := r.line.Pending(pipeline.StreamQueue("signals", id)); n != 1 {
		t.Errorf("%d wait for the stream", n)
	}
}

func TestTooManyPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := two()
		c.Bounds = &Bounds{MaxPolls: 1}
		r := serve(t, nil, c)
		defer r.stop()
		one, other := r.create(appToken, polling(revoked)), r.create(hrToken, polling(revoked))
		go r.pollIn(context.Background(), appToken, one, object{})
		synctest.Wait()
		a := r.ask(hrToken, "POST", base+"/poll/"+other, object{})
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("one poll too many: %d", a.status)
		}
		if a := r.ask(hrToken, "POST", base+"/poll/"+other, object{"returnImmediately": true}); a.status != http.StatusOK {
			t.Errorf("a poll that does not wait: %d", a.status)
		}
	})
}

// TestFull: a receiver that takes nothing costs the others nothing, and what it
// misses is recorded.
func TestFull(t *testing.T) {
	c := two()
	c.Bounds = &Bounds{MaxQueue: 2}
	r := serve(t, nil, c)
	lazy, busy := r.create(appToken, polling(revoked)), r.create(hrToken, polling(revoked))
	for i := range 4 {
		id := r.act("session-revoked", email(t, fmt.Sprintf("u%d@example.com", i)))
		p := r.poll(hrToken, busy, nil)
		r.poll(hrToken, busy, object{"ack": p.jtis()})
		got := r.statuses(id)
		want := pipeline.Queued
		if i >= 2 {
			want = pipeline.Dead
		}
		req.Equal(t, "POLL-16", fmt.Sprint(got[lazy], got[busy], got[""]), fmt.Sprint(want, pipeline.Acked, pipeline.Superseded))
	}
	if n, _ := r.line.Pending(pipeline.StreamQueue("signals", lazy)); n != 2 {
		t.Errorf("%d wait", n)
	}
}
