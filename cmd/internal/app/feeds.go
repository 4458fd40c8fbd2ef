package app

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

// feeds are the sources that ask transmitters for verification events. It is
// filled before anything runs.
type feeds struct{ list []feed }

type feed struct {
	issuers []string
	states  set.StateChecker
}

func (f *feeds) add(issuers []string, src pipeline.Source) {
	if c, ok := src.(set.StateChecker); ok {
		f.list = append(f.list, feed{issuers, c})
	}
}

// states knows what was asked of an issuer, by any source; nil if nothing runs
// that could ask.
func (g *generation) states(issuer string) set.StateChecker {
	if g.feeds == nil {
		return nil
	}
	return statesOf{g.feeds, issuer}
}

type statesOf struct {
	*feeds
	issuer string
}

// Expected implements set.StateChecker.
func (a statesOf) Expected(stream, state, jti string) bool {
	return slices.ContainsFunc(a.list, func(f feed) bool {
		return slices.Contains(f.issuers, a.issuer) && f.states.Expected(stream, state, jti)
	})
}

// keyHealth tells how the key set of an issuer stands that is in use now.
func (a *App) keyHealth(issuer string) (h kind.KeyHealth) {
	g := a.gen.Load()
	if g == nil || g.keys[issuer] == nil {
		return h
	}
	h.Fetched, h.Failed = g.keys[issuer].Health()
	h.Late, h.Expired = g.keys[issuer].Age()
	return h
}

// watchFeed exports how the feed of a source is.
func (m *metrics) watchFeed(name string, s pipeline.Source, now func() time.Time) {
	if f, ok := s.(kind.Feed); ok {
		m.registry.MustRegister(feedCollector{name, f, now})
	}
}

// feedCollector reads all figures of a feed at once.
type feedCollector struct {
	name   string
	source kind.Feed
	now    func() time.Time
}

var _ prometheus.Collector = feedCollector{}

// figures are what is exported of a feed. A timestamp is 0 for never.
var figures = []struct {
	name, help string
	value      func(kind.FeedState, time.Time) float64
}{
	{"signalbox_feed_health", "How far silence of a source can be trusted: 0 healthy, 1 degraded, 2 blind.", func(f kind.FeedState, _ time.Time) float64 {
		return map[string]float64{pipeline.FeedHealthy: 0, pipeline.FeedDegraded: 1, pipeline.FeedBlind: 2}[f.Status]
	}},
	{"signalbox_feed_stream_enabled", "1 while the transmitter says that it sends.", func(f kind.FeedState, _ time.Time) float64 {
		if f.StreamStatus == "enabled" {
			return 1
		}
		return 0
	}},
	{"signalbox_feed_last_set_timestamp_seconds", "When a token of the stream was last accepted.", func(f kind.FeedState, _ time.Time) float64 { return unix(f.LastSET) }},
	{"signalbox_feed_last_verification_timestamp_seconds", "When a verification round trip last ended.", func(f kind.FeedState, _ time.Time) float64 { return unix(f.LastVerified) }},
	{"signalbox_feed_verification_waiting_seconds", "How long the oldest verification request waits for its event.", func(f kind.FeedState, now time.Time) float64 {
		if f.Asked.IsZero() {
			return 0
		}
		return max(0, now.Sub(f.Asked).Seconds())
	}},
	{"signalbox_feed_last_poll_timestamp_seconds", "When a poll was last answered; 0 for streams that are pushed.", func(f kind.FeedState, _ time.Time) float64 { return unix(f.LastPoll) }},
	{"signalbox_feed_keys_fetched_timestamp_seconds", "When the key set of the issuer was last fetched; 0 for never, and for a set in a file.", func(f kind.FeedState, _ time.Time) float64 { return unix(f.KeysFetched) }},
	{"signalbox_feed_waiting_sets", "Tokens fetched and not acknowledged.", func(f kind.FeedState, _ time.Time) float64 { return float64(f.Waiting) }},
	{"signalbox_feed_more_available", "1 while the transmitter says that more tokens wait there.", func(f kind.FeedState, _ time.Time) float64 {
		if f.More {
			return 1
		}
		return 0
	}},
	{"signalbox_feed_clock_offset_seconds", "How far the transmitter's clock is ahead of ours.", func(f kind.FeedState, _ time.Time) float64 { return f.ClockOffset.Seconds() }},
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

func (c feedCollector) desc(i int) *prometheus.Desc {
	return prometheus.NewDesc(figures[i].name, figures[i].help, nil, prometheus.Labels{"source": c.name})
}

// Describe implements prometheus.Collector.
func (c feedCollector) Describe(ch chan<- *prometheus.Desc) {
	for i := range figures {
		ch <- c.desc(i)
	}
}

// Collect implements prometheus.Collector.
func (c feedCollector) Collect(ch chan<- prometheus.Metric) {
	state, now := c.source.Feed(), c.now()
	for i := range figures {
		ch <- prometheus.MustNewConstMetric(c.desc(i), prometheus.GaugeValue, figures[i].value(state, now))
	}
}
