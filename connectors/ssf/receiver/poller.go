package receiver

import (
	"context"
	"errors"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Times of the poller.
const (
	pollSlack   = 15 * time.Second // of an answer, beyond what the transmitter may wait
	quickAnswer = time.Second      // an empty answer sooner than this was not held back
	emptyPause  = 200 * time.Millisecond
	faultPause  = 200 * time.Millisecond
	longestRest = time.Minute
	drainGrace  = 8 * time.Second
	lastAck     = 5 * time.Second
	mostAcks    = 1000 // of one request
	mostNames   = 5000 // of tokens that came last, twice
)

// delivery is how messages of polls reach us.
const delivery = "poll"

// poller fetches the SETs of one stream.
type poller struct {
	*source
	line   pipeline.Handler
	work   context.Context // outlives the run by a grace
	ack    []string        // settled here, not yet told the transmitter
	refuse []client.SetError
	held   []pipeline.Message // fetched, and without outcome
	quick  int                // answers in a row that brought nothing and came at once
	faults int                // polls in a row that failed, or batches that were not committed

	came, before map[string]bool // names of the tokens that came last, and of those before
}

// fetch polls until ctx ends. What is being handled then is finished, within a
// grace, and acknowledged.
func (s *source) fetch(ctx context.Context, h pipeline.Handler) {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(drainGrace, cut) })
	defer stop()
	p := &poller{source: s, line: h, work: work}
	for ctx.Err() == nil {
		st := s.stream.Load()
		if st == nil || st.Endpoint == "" || st.Method != ssf.DeliveryPoll {
			sleep(ctx, longestRest, s.found)
			continue
		}
		pause := p.round(ctx, st)
		s.health.update(func(h *health) { h.waiting = len(p.held) + len(p.ack) + len(p.refuse) })
		s.tellHealth(ctx)
		if pause > 0 {
			sleep(ctx, pause, nil)
		}
	}
	p.farewell()
}

// round handles what is held, polls once and handles what came. It returns how
// long to wait before the next.
func (p *poller) round(ctx context.Context, st *client.Stream) time.Duration {
	if wait := p.handle(); wait > 0 && ctx.Err() == nil && len(p.held) >= p.polling.MaxEvents {
		p.tell(ctx, st) // what is settled is told all the same
		return wait
	}
	req := client.Poll{
		Most: p.polling.MaxEvents, Immediately: p.polling.Short || len(p.held) > 0,
		Ack: first(p.ack, mostAcks), Errors: first(p.refuse, mostAcks),
		MaxBytes: int64(p.polling.MaxBytes), Wait: p.polling.Wait + pollSlack,
	}
	asked := p.now()
	got, err := p.tx.Poll(ctx, st.Endpoint, req)
	if ctx.Err() != nil {
		return 0
	}
	if err != nil && !req.Immediately && errors.Is(err, context.DeadlineExceeded) && p.now().Sub(asked) >= p.polling.Wait {
		// It holds back longer than we wait: no fault, and nothing is known of
		// the acknowledgements, which are sent again (POLL-23).
		err, req.Ack, req.Errors = nil, nil, nil
	}
	p.notePoll(err, got.More)
	if err != nil {
		return p.failed(err)
	}
	p.ack, p.refuse = p.ack[len(req.Ack):], p.refuse[len(req.Errors):]
	fresh := p.take(got.Sets)
	wait := p.handle()
	return max(wait, p.rest(got, fresh, p.now().Sub(asked)))
}

// first is at most n of a list.
func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// novel reports whether a token is not one of those that came last.
func (p *poller) novel(jti string) bool {
	if p.came[jti] || p.before[jti] {
		return false
	}
	if len(p.came) >= mostNames || p.came == nil {
		p.came, p.before = map[string]bool{}, p.came
	}
	p.came[jti] = true
	return true
}

// take turns an answer into messages. What is held, or settled and not told yet,
// is not taken a second time; fresh tells whether anything was new.
func (p *poller) take(sets []client.Set) (fresh bool) {
	known := map[string]bool{}
	for _, m := range p.held {
		known[m.JTI] = true
	}
	for _, jti := range p.ack {
		known[jti] = true
	}
	for _, e := range p.refuse {
		known[e.JTI] = true
	}
	now := p.now()
	for _, s := range sets {
		fresh = p.novel(s.JTI) || fresh
		if known[s.JTI] {
			continue
		}
		p.held = append(p.held, pipeline.Message{
			Source: p.name, Body: s.Token, ContentType: ssf.MediaTypeSET, Received: now, Sender: p.issuer,
			Delivery: delivery, JTI: s.JTI,
		})
	}
	return fresh
}

// handle brings what is held to its outcome, batch by batch. It returns how long
// to wait before what is left is tried again.
func (p *poller) handle() time.Duration {
	var left []pipeline.Message
	var wait time.Duration
	for len(p.held) > 0 {
		batch := first(p.held, p.batch)
		p.held = p.held[len(batch):]
		receipts, err := p.line.Handle(p.work, batch)
		if err == nil && len(receipts) != len(batch) {
			err = errors.New("handler gave another number of receipts than it got messages")
		}
		if err != nil {
			left = append(left, batch...)
			left = append(left, p.held...)
			p.held = left
			return p.busy(err)
		}
		for i, r := range receipts {
			if p.settle(batch[i], r) {
				continue
			}
			left = append(left, batch[i])
			wait = faultPause
		}
	}
	p.held = left
	if wait == 0 {
		p.faults = 0
	} else {
		p.faults++
		wait = backoff(p.faults)
	}
	return wait
}

// settle notes what the transmitter is to be told of a message; false if nothing
// can be yet. Only what verification found is reported (POLL-12).
func (p *poller) settle(m pipeline.Message, r pipeline.Receipt) bool {
	switch {
	case r.Retry != nil:
		return false
	case r.Reject != nil:
		p.refuse = append(p.refuse, client.SetError{JTI: m.JTI, Error: ssf.FromReject(r.Reject)})
	default:
		p.ack = append(p.ack, m.JTI)
	}
	return true
}

// busy is the pause after a batch that was not committed.
func (p *poller) busy(err error) time.Duration {
	p.faults++
	wait := backoff(p.faults)
	if b, ok := errors.AsType[*pipeline.BusyError](err); ok {
		p.log.Info("polled messages wait", "messages", len(p.held), "reason", b.Reason)
		if b.After > 0 {
			wait = b.After
		}
		return wait
	}
	p.log.Error("polled messages were not committed, will try again", "messages", len(p.held), "err", err)
	return wait
}

func backoff(n int) time.Duration {
	return jitter(min(faultPause<<min(n-1, 10), longestRest))
}

// notePoll takes the outcome of a poll in.
func (p *poller) notePoll(err error, more bool) {
	now := p.now()
	p.health.update(func(h *health) {
		if err != nil && h.poll.err != err.Error() {
			p.log.Error("poll failed, will try again", "err", err)
		} else if err == nil && h.poll.err != "" {
			p.log.Info("polls are answered again")
		}
		h.poll.note(err, now)
		if err == nil {
			h.polled, h.more = now, more
		}
		h.offset, _ = p.tx.Offset()
	})
}

// failed is the pause after a poll that failed. A stream that is gone is the
// keeper's business.
func (p *poller) failed(err error) time.Duration {
	if client.Gone(err) {
		p.stream.Store(nil)
		signal(p.kick)
	}
	p.faults++
	return max(backoff(p.faults), after(err))
}

// rest is the pause before the next poll (POLL-25). A transmitter that never
// holds an answer back, or says that more is there and gives nothing new, is not
// asked without end.
func (p *poller) rest(got client.Polled, fresh bool, took time.Duration) time.Duration {
	switch {
	case fresh:
		p.quick = 0
		return 0
	case p.polling.Short && !got.More && len(got.Sets) == 0:
		p.quick = 0
		return jitter(p.polling.Interval)
	case took >= quickAnswer && len(got.Sets) == 0:
		p.quick = 0
		return 0
	}
	p.quick++
	return jitter(min(emptyPause<<min(p.quick-1, 10), p.polling.Interval))
}

// tell acknowledges without asking for more (POLL-04, POLL-05).
func (p *poller) tell(ctx context.Context, st *client.Stream) {
	if len(p.ack)+len(p.refuse) == 0 {
		return
	}
	ack, refuse := first(p.ack, mostAcks), first(p.refuse, mostAcks)
	_, err := p.tx.Poll(ctx, st.Endpoint, client.Poll{Ack: ack, Errors: refuse, MaxBytes: int64(p.polling.MaxBytes)})
	if err != nil {
		p.log.Warn("acknowledgements were not told, will try again", "tokens", len(p.ack)+len(p.refuse), "err", err)
		return
	}
	p.ack, p.refuse = p.ack[len(ack):], p.refuse[len(refuse):]
}

// farewell tells what is settled before the source ends; what does not arrive is
// delivered again and known as a repeat.
func (p *poller) farewell() {
	st := p.stream.Load()
	if st == nil {
		return
	}
	ctx, cancel := context.WithTimeout(p.work, lastAck)
	defer cancel()
	p.tell(ctx, st)
}
