package receiver

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline"
)

var (
	_ kind.Follower = (*source)(nil)
	_ pipeline.Sink = (*source)(nil)
)

// heard is what the journal says of a message of this source.
type heard struct {
	At       time.Time `json:"at"`
	Accepted bool      `json:"accepted,omitempty"`
	Code     string    `json:"code,omitempty"` // of a refusal

	// Of an event about the stream itself.
	Event  string `json:"event,omitempty"`
	Stream string `json:"stream,omitempty"`
	JTI    string `json:"jti,omitempty"`
	State  string `json:"state,omitempty"`
	Status string `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Follow implements kind.Follower: what the transmitter says of the stream is
// believed once it is durable, however it came.
func (s *source) Follow() (pipeline.Renderer, pipeline.Sink) { return s.listen, s }

// listen renders the messages of this source.
func (s *source) listen(seq uint64, r *pipeline.Record) ([]pipeline.Delivery, error) {
	in := r.Input
	if in == nil || in.Source != s.name || in.Test {
		return nil, nil
	}
	x := heard{At: r.At, JTI: in.JTI, Accepted: in.Verdict == pipeline.Accepted || in.Verdict == pipeline.Discarded}
	if in.Reject != nil {
		x.Code = in.Reject.Code
	}
	for i := range r.Outcomes {
		e := &r.Outcomes[i].Event
		if e.Family != "ssf" {
			continue
		}
		var body struct{ State, Status, Reason string }
		var subject struct{ ID string }
		if json.Unmarshal(e.Body, &body) != nil || json.Unmarshal(e.Subject, &subject) != nil {
			continue
		}
		x.Event, x.Stream, x.State, x.Status, x.Reason = e.Type, subject.ID, body.State, body.Status, body.Reason
	}
	payload, err := json.Marshal(x)
	if err != nil {
		return nil, fmt.Errorf("hear of record %d: %w", seq, err)
	}
	return []pipeline.Delivery{{ID: strconv.FormatUint(seq, 10), Kind: "heard", Payload: payload, Attempt: 1}}, nil
}

// Deliver implements pipeline.Sink for what listen renders. It is idempotent.
func (s *source) Deliver(ctx context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	results := make([]pipeline.Result, len(batch))
	for i, d := range batch {
		var x heard
		if err := json.Unmarshal(d.Payload, &x); err != nil {
			results[i].Err = &pipeline.FinalError{Code: "unreadable", Err: err}
			continue
		}
		results[i].Err = s.hear(x)
	}
	s.tellHealth(ctx)
	return results, nil
}

// hear takes one message in.
func (s *source) hear(x heard) error {
	s.health.update(func(h *health) {
		switch {
		case x.Accepted:
			h.seen, h.refused = later(h.seen, x.At), 0
		case x.Code == pipeline.InvalidKey || x.Code == pipeline.AuthenticationFailed:
			h.refused++
		}
	})
	if x.Event == "" || x.Stream != s.mem.get().Stream {
		return nil
	}
	switch x.Event {
	case "verification":
		// One without state is the transmitter's own idea, and as good a sign of
		// life; it answers no question (SSF-RX-28).
		if x.State != "" {
			return s.mem.answered(x.State, x.JTI, x.At)
		}
	case "stream-updated":
		if x.Status == client.Enabled || x.Status == client.Paused || x.Status == client.Disabled {
			s.setStatus(x.Status, pipeline.Clean(x.Reason))
			signal(s.kick) // the transmitter may have thought better of it since
		}
	}
	return nil
}

// tellHealth makes an event of the feed's health when it changed. Rules see it,
// and people are told of a feed that went blind.
func (s *source) tellHealth(ctx context.Context) {
	taker := s.taker.Load()
	if taker == nil {
		return
	}
	now, f := s.now(), s.Feed()
	s.health.mu.Lock()
	told := s.health.told
	if told == "" && f.Status == pipeline.FeedHealthy {
		s.health.told = f.Status
	}
	if f.Status == s.health.told {
		s.health.mu.Unlock()
		return
	}
	s.health.told = f.Status
	s.health.mu.Unlock()
	s.log.Warn("health of the feed", "status", f.Status, "was", told, "reason", f.Reason)
	err := (*taker).TakeFeedHealth(ctx, pipeline.FeedHealth{
		Source: s.name, Status: f.Status, Reason: pipeline.Clean(f.Reason), Since: now, LastSeen: f.LastSET,
		LastVerified: f.LastVerified, KeysFetched: f.KeysFetched, Waiting: f.Waiting, ClockOffset: f.ClockOffset,
	})
	if err == nil {
		err = s.mem.change(func(d *remembered) { d.Told, d.Seen = f.Status, f.LastSET })
	}
	if err != nil && ctx.Err() == nil {
		s.log.Error("health of the feed could not be written down, will try again", "err", err)
	}
	if err != nil {
		s.health.update(func(h *health) { h.told = told })
	}
}
