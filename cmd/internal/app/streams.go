package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// streamsPrefix is in front of the name of a sink in that of the loop which
// serves its streams.
const streamsPrefix = "streams "

// connectStreams gives a sink in front of streams the line.
func (a *App) connectStreams(name string, sink pipeline.Sink) {
	if s, ok := sink.(kind.Streamer); ok {
		s.Use(a.line)
		a.metrics.watchStreams(name, s, a.o.Now)
	}
}

// serveStreams runs what serves the streams of sinks.
func (a *App) serveStreams(ctx context.Context) {
	for _, s := range a.sinks {
		if streamer, ok := s.sink.(kind.Streamer); ok {
			a.loops.start(ctx, streamsPrefix+s.name, streamer.Run)
		}
	}
}

// streams tells how the streams of a sink stand.
func streams(ctx context.Context, sink pipeline.Sink) []api.StreamStatus {
	streamer, ok := sink.(kind.Streamer)
	if !ok {
		return nil
	}
	list, err := streamer.Streams(ctx)
	if err != nil {
		return nil
	}
	var out []api.StreamStatus
	for _, s := range list {
		out = append(out, api.StreamStatus(s))
	}
	return out
}

// watchStreams exports how the streams of a sink stand, by receiver: ids of
// streams are made by strangers' calls and are no labels.
func (m *metrics) watchStreams(sink string, s kind.Streamer, now func() time.Time) {
	m.restarts.WithLabelValues(streamsPrefix + sink)
	m.registry.MustRegister(streamCollector{sink, s, now})
}

type streamCollector struct {
	sink     string
	streamer kind.Streamer
	now      func() time.Time
}

var _ prometheus.Collector = streamCollector{}

func (c streamCollector) descs() (count, pending, oldest *prometheus.Desc) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, prometheus.Labels{"target": c.sink})
	}
	return desc("signalbox_streams", "Streams of a sink, by receiver and status.", "receiver", "status"),
		desc("signalbox_stream_pending_sets", "SETs that the streams of a receiver have yet to take.", "receiver"),
		desc("signalbox_stream_oldest_pending_seconds", "Age of the oldest SET that a stream of a receiver has yet to take.", "receiver")
}

// Describe implements prometheus.Collector.
func (c streamCollector) Describe(ch chan<- *prometheus.Desc) {
	count, pending, oldest := c.descs()
	ch <- count
	ch <- pending
	ch <- oldest
}

// Collect implements prometheus.Collector.
func (c streamCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	list, err := c.streamer.Streams(ctx)
	if err != nil {
		return
	}
	type key struct{ receiver, status string }
	counts, waiting, ages := map[key]int{}, map[string]int{}, map[string]float64{}
	for _, s := range list {
		counts[key{s.Receiver, s.Status}]++
		waiting[s.Receiver] += s.Pending
		age := 0.0
		if s.Pending > 0 {
			age = max(0, c.now().Sub(s.Oldest).Seconds())
		}
		ages[s.Receiver] = max(ages[s.Receiver], age)
	}
	count, pending, oldest := c.descs()
	for k, n := range counts {
		ch <- prometheus.MustNewConstMetric(count, prometheus.GaugeValue, float64(n), k.receiver, k.status)
	}
	for r, n := range waiting {
		ch <- prometheus.MustNewConstMetric(pending, prometheus.GaugeValue, float64(n), r)
		ch <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, ages[r], r)
	}
}
