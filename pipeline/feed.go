package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// The health of a feed of signals.
const (
	FeedHealthy  = "healthy"  // it may be quiet; somebody is there
	FeedDegraded = "degraded" // something is wrong, and signals still come
	FeedBlind    = "blind"    // silence means nothing now
)

// FeedHealth is what a source says of its feed when that changed.
type FeedHealth struct {
	Source   string // its name
	Status   string // one of the above
	Reason   string // why, safe to show
	Since    time.Time
	LastSeen time.Time // when a signal last came, zero if none did

	LastVerified time.Time     // when a verification round trip last ended, likewise
	KeysFetched  time.Time     // when the key set of the issuer was last fetched, likewise
	Waiting      int           // signals fetched and not acknowledged
	ClockOffset  time.Duration // how far the transmitter's clock is ahead of ours
}

// FeedTaker is a Handler that takes word of the health of feeds.
type FeedTaker interface {
	// TakeFeedHealth brings it to its durable outcome as an event of type
	// feed-health, which rules see like any other. Safe for concurrent use.
	TakeFeedHealth(ctx context.Context, h FeedHealth) error
}

var _ FeedTaker = (*Pipeline)(nil)

// feedSource is the source and issuer of these events: none that a message
// counts for.
const feedSource = "feed"

// TakeFeedHealth implements FeedTaker.
func (p *Pipeline) TakeFeedHealth(ctx context.Context, h FeedHealth) error {
	if !p.entrance.enter() {
		return &BusyError{Reason: "shutting down", After: 5 * time.Second}
	}
	defer p.entrance.leave()
	gen := p.settings.Load()
	if gen == nil {
		return &BusyError{Reason: "starting", After: time.Second}
	}
	members := map[string]any{"source": h.Source, "status": h.Status, "since": h.Since.Unix()}
	if h.Reason != "" {
		members["reason"] = h.Reason
	}
	for name, at := range map[string]time.Time{"last_seen": h.LastSeen, "last_verified": h.LastVerified, "keys_fetched": h.KeysFetched} {
		if !at.IsZero() {
			members[name] = at.Unix()
		}
	}
	members["waiting"], members["clock_offset"] = h.Waiting, h.ClockOffset.Round(time.Millisecond).Seconds()
	body, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("health of feed %s: %w", h.Source, err)
	}
	parsed, err := strictjson.Parse(body, strictjson.DefaultLimits)
	if err != nil {
		return fmt.Errorf("health of feed %s: %w", h.Source, err)
	}
	subject, err := event.NewSimple("opaque", "id", h.Source)
	if err != nil {
		return fmt.Errorf("health of feed %s: %w", h.Source, err)
	}
	now := p.now()
	typ, _ := event.ByName("feed-health")
	input := recordInputID(feedSource, h.Source+"@"+h.Since.UTC().Format(time.RFC3339Nano)+" "+h.Status)
	msg := Message{Source: feedSource, Body: body, ContentType: "application/json", Received: now, Delivery: "internal"}
	u := &unit{msg: msg, remits: []string{""}, chain: input}
	u.sig = Signal{
		Message: msg, InputID: input, Assurance: event.Internal, Issuer: feedSource,
		Txn: "t-" + tail(input), Subject: subject,
	}
	u.events = []event.Event{{
		ID: EventID(input, 0), Type: typ, URI: typ.URI, Source: feedSource, Issuer: feedSource, Assurance: event.Internal,
		Time: h.Since, TimeSource: feedSource, Received: now, Txn: u.sig.Txn, Subject: subject, Body: parsed, Concepts: typ.ConceptsOf(parsed),
	}}
	b := &batch{p: p, obs: p.obs, gen: gen, units: []*unit{u}}
	if err := b.commit(ctx); err != nil {
		return fmt.Errorf("health of feed %s: %w", h.Source, err)
	}
	return u.retry
}
