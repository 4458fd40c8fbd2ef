package transmitter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// maxSETs is how many SETs one answer holds; moreAvailable tells of the rest.
const maxSETs = 100

// pollRequest is the body of a poll (RFC 8936 section 2.2).
type pollRequest struct {
	most        int // POLL-03
	immediately bool
	said        map[string]pipeline.Result // by jti
}

// pollAnswer is the answer (RFC 8936 section 2.3).
type pollAnswer struct {
	Sets map[string]string `json:"sets"` // by jti; never null (POLL-02)
	More bool              `json:"moreAvailable"`
}

// poll implements POST of the poll endpoint: it takes note of what was said of
// SETs handed out before, and then hands out what is due, waiting for it if there
// is nothing.
func (h *hub) poll(ctx context.Context, c *call) (answer, error) {
	id := c.r.PathValue("stream")
	s, err := h.polled(ctx, c, id)
	if err != nil {
		return answer{}, err
	}
	req, err := readPoll(c.body)
	if err != nil {
		return answer{}, err
	}
	for _, control := range []bool{false, true} {
		known, err := h.outbox(s, control).Settle(ctx, req.said)
		if err != nil {
			return answer{}, err
		}
		for _, jti := range known {
			h.answered(s.ID, req.said[jti])
		}
	}
	if req.immediately {
		a, _, err := h.offer(ctx, s, req.most)
		return answer{http.StatusOK, a}, err
	}
	return h.await(ctx, c, s, req)
}

// polled returns a stream of the caller that is polled.
func (h *hub) polled(ctx context.Context, c *call, id string) (s *stream, err error) {
	err = h.line.Read(ctx, func(tx store.Tx) error {
		if s, err = h.own(tx, c, id); err == nil && s.pushes() {
			err = noStream
		}
		return err
	})
	return s, err
}

// await is a long poll (POLL-06). A later poll of the same stream ends it: of
// two, one was given up by its peer (POLL-26).
func (h *hub) await(ctx context.Context, c *call, s *stream, req pollRequest) (answer, error) {
	over, done, ok := h.polls.enter(s.ID, h.terms.MaxPolls)
	if !ok {
		return answer{}, busy(time.Second)
	}
	defer done()
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(h.terms.PollWait + 30*time.Second)) // not every server can
	timeout := time.NewTimer(h.terms.PollWait)
	defer timeout.Stop()
	for ended := false; ; {
		data := h.bells.listen(pipeline.StreamQueue(h.name, s.ID))
		control := h.bells.listen(pipeline.ControlQueue(h.name, s.ID))
		changed := h.bells.listen(h.lock)
		a, next, err := h.offer(ctx, s, req.most)
		if err != nil || len(a.Sets) > 0 || req.most == 0 && a.More {
			return answer{http.StatusOK, a}, err
		}
		due := time.NewTimer(h.untilDue(next))
		select {
		case <-data:
		case <-control:
		case <-due.C:
		case <-changed:
			if s, err = h.polled(ctx, c, s.ID); err != nil {
				due.Stop()
				return answer{}, err
			}
		case <-timeout.C:
			ended = true
		case <-over:
			ended = true
		case <-h.closing:
			ended = true
		case <-ctx.Done():
			due.Stop()
			return answer{}, ctx.Err()
		}
		due.Stop()
		if ended {
			return answer{http.StatusOK, pollAnswer{Sets: map[string]string{}}}, nil
		}
	}
}

// untilDue is how long to wait for what is leased or delayed; without any, the
// poll's own time ends it first.
func (h *hub) untilDue(next time.Time) time.Duration {
	if next.IsZero() {
		return h.terms.PollWait + time.Second
	}
	return max(next.Sub(h.now()), 10*time.Millisecond)
}

// offer takes up to most SETs that are due: what is about the stream first, and
// of the rest only while it is enabled (POLL-24).
func (h *hub) offer(ctx context.Context, s *stream, most int) (a pollAnswer, next time.Time, err error) {
	a.Sets = map[string]string{}
	queues := []bool{true}
	if s.Status == enabled {
		queues = append(queues, false)
	}
	waiting := 0
	for _, control := range queues {
		queue := pipeline.StreamQueue(h.name, s.ID)
		if control {
			queue = pipeline.ControlQueue(h.name, s.ID)
		}
		n, _ := h.line.Pending(queue)
		waiting += n
		if n == 0 || most == len(a.Sets) {
			continue
		}
		batch, due, err := h.outbox(s, control).Take(ctx, most-len(a.Sets), h.terms.Redeliver)
		if err != nil {
			return a, next, err
		}
		for _, d := range batch {
			a.Sets[d.JTI] = string(d.Payload) // POLL-19
		}
		if len(batch) > 0 {
			h.handed(s.ID)
		}
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	// What was handed out and not acknowledged waits as well; who got nothing now
	// would get nothing at once.
	a.More = waiting > len(a.Sets) && (len(a.Sets) > 0 || most == 0) // POLL-17
	return a, next, nil
}

// readPoll reads the body of a poll; what is wrong with it is a 400 (POLL-18).
func readPoll(body strictjson.Value) (req pollRequest, err error) {
	req.most = maxSETs
	if v := body.Get("maxEvents"); given(v) {
		n, ok := v.Int()
		if !ok || n < 0 {
			return req, malformed("maxEvents must be a whole number, 0 or more")
		}
		req.most = int(min(n, maxSETs))
	}
	if v := body.Get("returnImmediately"); given(v) {
		if v.Kind() != strictjson.Bool {
			return req, malformed("returnImmediately must be true or false")
		}
		req.immediately = v.Bool()
	}
	req.said = map[string]pipeline.Result{}
	if v := body.Get("ack"); given(v) {
		if v.Kind() != strictjson.Array {
			return req, malformed("ack must be an array of strings")
		}
		for e := range v.Elements() {
			if e.Kind() != strictjson.String {
				return req, malformed("ack must be an array of strings")
			}
			req.said[e.Text()] = pipeline.Result{Info: "acknowledged"}
		}
	}
	if v := body.Get("setErrs"); given(v) {
		if v.Kind() != strictjson.Object {
			return req, malformed("setErrs must be an object")
		}
		for jti, e := range v.Members() {
			if e.Kind() != strictjson.Object || e.Get("err").Kind() != strictjson.String {
				return req, malformed("setErrs must hold objects with a member err")
			}
			code, why := pipeline.Clean(e.Get("err").Text()), pipeline.Clean(e.Get("description").Text())
			req.said[jti] = refusal(code, why)
		}
	}
	return req, nil
}

// refusal is a SET that its receiver reported. It is finished like one that was
// acknowledged (POLL-11), and kept for people.
func refusal(code, why string) pipeline.Result {
	if why == "" {
		why = "without a description"
	}
	return pipeline.Result{Info: code, Err: &pipeline.FinalError{Code: code, Err: fmt.Errorf("refused by its receiver: %w", errors.New(why))}}
}

// polls are the long polls that wait now. The zero value is ready.
type polls struct {
	mu sync.Mutex
	on map[string]chan struct{} // by stream; closed when another poll takes its place
}

// enter notes a poll of a stream and ends the one before. It is false when as
// many wait as may. done must be called when the poll ends.
func (p *polls) enter(stream string, most int) (over <-chan struct{}, done func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on == nil {
		p.on = map[string]chan struct{}{}
	}
	before := p.on[stream]
	if before == nil && len(p.on) >= most {
		return nil, nil, false
	}
	if before != nil {
		close(before)
	}
	mine := make(chan struct{})
	p.on[stream] = mine
	return mine, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.on[stream] == mine {
			delete(p.on, stream)
		}
	}, true
}
