package receiver

import (
	"fmt"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Limits of what is still healthy.
const (
	mostOffset   = time.Minute // between the clocks
	mostRefusals = 3           // tokens refused for their signature, with none accepted between
	missedRounds = 3           // verification rounds without a sign of life until a feed is blind
)

// health is what is known of the feed. Its zero value knows nothing. Safe for
// concurrent use.
type health struct {
	mu      sync.Mutex
	began   time.Time     // of the first run
	every   time.Duration // between verification requests
	status  string        // of the stream; "" unknown
	why     string        // reason of the transmitter for it
	keep    fault         // of the management API
	poll    fault         // of polls
	seen    time.Time     // last SET
	polled  time.Time     // last poll that was answered
	waiting int           // SETs fetched and not acknowledged
	more    bool          // more wait at the transmitter
	refused int           // tokens refused for their signature since one was accepted
	finding string        // what is wrong with the stream and does not mend itself
	silent  bool          // no verification is offered
	offset  time.Duration
	told    string
}

// fault is how calls of one kind fail.
type fault struct {
	err   string    // "" if the last one did not
	since time.Time // of the first in a row
}

func (f *fault) note(err error, now time.Time) {
	switch {
	case err == nil:
		*f = fault{}
	case f.err == "":
		*f = fault{err.Error(), now}
	default:
		f.err = err.Error()
	}
}

// judge says how the feed is now. verified is the last round trip, asked the
// oldest request that waits for its answer, keys what tokens are verified with.
func (h *health) judge(now, verified, asked time.Time, keys kind.KeyHealth) (status, reason string) {
	patience := missedRounds * h.every
	if !asked.IsZero() { // while we were not there nobody could answer
		asked = later(asked, h.began)
	}
	switch {
	case h.status == client.Paused, h.status == client.Disabled:
		reason = "the transmitter has " + h.status + " the stream"
		if h.why != "" {
			reason += ": " + h.why
		}
		return pipeline.FeedBlind, reason
	case h.keep.err != "" && now.Sub(h.keep.since) >= patience:
		return pipeline.FeedBlind, h.keep.err
	case h.poll.err != "" && now.Sub(h.poll.since) >= patience:
		return pipeline.FeedBlind, h.poll.err
	case !asked.IsZero() && now.Sub(asked) >= patience:
		return pipeline.FeedBlind, fmt.Sprintf("no verification event for %s, though the transmitter promised it", round(now.Sub(asked)))
	case keys.Failed != nil && keys.Expired && now.Sub(later(keys.Fetched, h.began)) >= patience:
		return pipeline.FeedBlind, "nothing it sends can be verified: " + keys.Failed.Error()
	case h.finding != "":
		return pipeline.FeedDegraded, h.finding
	case h.refused >= mostRefusals:
		return pipeline.FeedDegraded, fmt.Sprintf("the signatures of the last %d tokens were refused: check the keys of the issuer", h.refused)
	case keys.Failed != nil && keys.Late:
		return pipeline.FeedDegraded, "the keys of the issuer are old: " + keys.Failed.Error()
	case h.keep.err != "":
		return pipeline.FeedDegraded, h.keep.err
	case h.poll.err != "":
		return pipeline.FeedDegraded, h.poll.err
	case !asked.IsZero() && now.Sub(asked) >= h.every:
		return pipeline.FeedDegraded, fmt.Sprintf("a verification event is late by %s", round(now.Sub(asked)))
	case h.offset > mostOffset, h.offset < -mostOffset:
		return pipeline.FeedDegraded, fmt.Sprintf("the clocks differ by %s", round(h.offset))
	case h.silent:
		return pipeline.FeedHealthy, "the transmitter offers no verification: silence says less than it could"
	}
	return pipeline.FeedHealthy, ""
}

func round(d time.Duration) time.Duration { return d.Round(time.Second) }

// update changes what is known.
func (h *health) update(f func(*health)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
}

var _ kind.Feed = (*source)(nil)

// Feed implements kind.Feed.
func (s *source) Feed() kind.FeedState {
	now, mem, asked, keys := s.now(), s.mem.get(), s.mem.waiting(), s.keys()
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	f := kind.FeedState{
		Stream: mem.Stream, StreamStatus: h.status, LastSET: later(h.seen, mem.Seen), LastVerified: mem.Verified, Asked: asked,
		LastPoll: h.polled, Waiting: h.waiting, More: h.more, ClockOffset: h.offset,
		KeysFetched: keys.Fetched,
	}
	f.Status, f.Reason = h.judge(now, mem.Verified, asked, keys)
	return f
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
