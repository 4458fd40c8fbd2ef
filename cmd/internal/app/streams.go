package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

// streams counts the streams of a sink, as far as that can be told.
func streams(ctx context.Context, sink pipeline.Sink) int {
	streamer, ok := sink.(kind.Streamer)
	if !ok {
		return 0
	}
	list, err := streamer.Streams(ctx)
	if err != nil {
		return 0
	}
	return len(list)
}

// watchStreams exports how the streams of a sink stand, by receiver, and by stream
// for those of the configuration: other ids are made by strangers' calls and are no
// labels.
func (m *metrics) watchStreams(sink string, s kind.Streamer, now func() time.Time) {
	m.restarts.WithLabelValues(streamsPrefix + sink)
	m.registry.MustRegister(streamCollector{sink, s, now})
}

// managed stands for the streams that a receiver made, in the label stream.
const managed = "managed"

type streamCollector struct {
	sink     string
	streamer kind.Streamer
	now      func() time.Time
}

var _ prometheus.Collector = streamCollector{}

// streamFigures are exported of each stream, by receiver and stream. The managed
// ones of a receiver are added up, or the worst of them counts.
var streamFigures = []struct {
	name, help string
	value      func(kind.StreamState, time.Time) float64
	merge      func(a, b float64) float64
}{
	{"signalbox_stream_pending_sets", "SETs that the streams of a receiver have yet to take.",
		func(s kind.StreamState, _ time.Time) float64 { return float64(s.Pending) }, func(a, b float64) float64 { return a + b }},
	{"signalbox_stream_oldest_pending_seconds", "Age of the oldest SET that a stream of a receiver has yet to take.",
		func(s kind.StreamState, now time.Time) float64 {
			if s.Pending == 0 {
				return 0
			}
			return max(0, now.Sub(s.Oldest).Seconds())
		}, func(a, b float64) float64 { return max(a, b) }},
	{"signalbox_stream_last_taken_timestamp_seconds", "When a receiver last took a SET of the stream; 0 for never.",
		func(s kind.StreamState, _ time.Time) float64 { return unix(s.Acked) }, func(a, b float64) float64 { return max(a, b) }},
	{"signalbox_stream_last_error_timestamp_seconds", "When a SET of the stream last could not be delivered or was refused; 0 for never.",
		func(s kind.StreamState, _ time.Time) float64 { return unix(s.Failed) }, func(a, b float64) float64 { return max(a, b) }},
}

func (c streamCollector) desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, prometheus.Labels{"target": c.sink})
}

func (c streamCollector) count() *prometheus.Desc {
	return c.desc("signalbox_streams", "Streams of a sink, by receiver and status.", "receiver", "status")
}

func (c streamCollector) figure(i int) *prometheus.Desc {
	return c.desc(streamFigures[i].name, streamFigures[i].help, "receiver", "stream")
}

// Describe implements prometheus.Collector.
func (c streamCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.count()
	for i := range streamFigures {
		ch <- c.figure(i)
	}
}

// Collect implements prometheus.Collector.
func (c streamCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	list, err := c.streamer.Streams(ctx)
	if err != nil {
		return
	}
	type key struct{ receiver, other string }
	counts, figures, now := map[key]int{}, map[key][]float64{}, c.now()
	for _, s := range list {
		counts[key{s.Receiver, s.Status}]++
		of := key{s.Receiver, managed}
		if s.Declared {
			of.other = s.ID
		}
		before := figures[of]
		values := make([]float64, len(streamFigures))
		for i, f := range streamFigures {
			values[i] = f.value(s, now)
			if before != nil {
				values[i] = f.merge(before[i], values[i])
			}
		}
		figures[of] = values
	}
	for k, n := range counts {
		ch <- prometheus.MustNewConstMetric(c.count(), prometheus.GaugeValue, float64(n), k.receiver, k.other)
	}
	for k, values := range figures {
		for i, v := range values {
			ch <- prometheus.MustNewConstMetric(c.figure(i), prometheus.GaugeValue, v, k.receiver, k.other)
		}
	}
}
