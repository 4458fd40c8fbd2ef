package app

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// metrics counts what passes each station of the line. Label values come from
// the configuration, the catalogue or closed sets, never from a message.
type metrics struct {
	registry *prometheus.Registry

	messages  *prometheus.CounterVec
	heard     *prometheus.GaugeVec
	responses *prometheus.CounterVec
	refused   *prometheus.CounterVec // connections
	events    *prometheus.CounterVec
	actions   *prometheus.CounterVec
	ruleFails *prometheus.CounterVec
	station   *prometheus.HistogramVec
	items     *prometheus.CounterVec
	response  *prometheus.HistogramVec
	restarts  *prometheus.CounterVec
	reloads   *prometheus.CounterVec

	kept *prometheus.CounterVec // by the quarantine

	notices  *prometheus.CounterVec
	mapNotes *prometheus.CounterVec
	refusing *prometheus.CounterVec
	spans    *prometheus.CounterVec

	drills     *prometheus.CounterVec
	drillTime  *prometheus.GaugeVec
	drillStamp prometheus.Gauge
	crossings  *prometheus.CounterVec

	known   sync.Mutex
	sources map[string]bool // seen by expect
}

var _ pipeline.Observer = (*metrics)(nil)

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		sources:  map[string]bool{},
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_messages_total",
			Help: "Messages by source and verdict; code is the RFC 8935 error code of a reject.",
		}, []string{"source", "verdict", "code"}),
		heard: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "signalbox_source_last_message_timestamp_seconds",
			Help: "When a source last brought a message that was accepted or a repeat; until then, the start of the process.",
		}, []string{"source"}),
		responses: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_http_responses_total",
			Help: "Answers of a connector's endpoint on the shared listener, by HTTP status.",
		}, []string{"connector", "status"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_connections_refused_total",
			Help: "Connections that a listener refused, by the bound they met: of one address, or of all.",
		}, []string{"listener", "bound"}),
		refusing: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_index_refused_documents_total",
			Help: "Documents that could not be rendered or that an index refused for good.",
		}, []string{"index"}),
		spans: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_trace_spans_total",
			Help: "Spans by outcome: sent to the collector, or dropped.",
		}, []string{"outcome"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_events_total",
			Help: "Normalized events by catalogue name and result of the decision.",
		}, []string{"event", "result"}),
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_actions_total",
			Help: "Actions reaching a status; guard is what held one back.",
		}, []string{"action", "target", "status", "guard"}),
		ruleFails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_rule_failures_total",
			Help: "Evaluations of a rule that failed or overran their budget.",
		}, []string{"rule"}),
		station: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "signalbox_station_duration_seconds",
			Help:    "Time a station took for one batch.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10),
		}, []string{"station"}),
		items: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_station_items_total",
			Help: "Messages, deliveries or documents a station worked on.",
		}, []string{"station"}),
		response: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "signalbox_response_duration_seconds",
			Help:    "Time from the receipt of a signal to the acknowledgement of an action it caused.",
			Buckets: prometheus.ExponentialBuckets(0.005, 3, 12),
		}, []string{"target"}),
		kept: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_quarantine_messages_total",
			Help: "Refused messages that entered the quarantine, and those dropped from it for want of room.",
		}, []string{"source", "what"}),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_loop_restarts_total",
			Help: "Restarts of a source, sink or index loop after a fault.",
		}, []string{"loop"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_reloads_total",
			Help: "Reloads of configuration and policies by outcome.",
		}, []string{"outcome"}),
		drills: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_drills_total",
			Help: "Drills by outcome: passed or failed.",
		}, []string{"outcome"}),
		drillTime: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "signalbox_drill_station_seconds",
			Help: "Time a station took in the last drill that reached it.",
		}, []string{"station"}),
		drillStamp: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "signalbox_drill_last_success_timestamp_seconds",
			Help: "When a drill last passed, 0 if none did since the start.",
		}),
	}
	m.crossings = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "signalbox_budget_crossings_total",
		Help: "Times a budget reached a level, in percent; target is the sink of a queue.",
	}, []string{"budget", "target", "level"})
	m.mapNotes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "signalbox_mapping_notes_total",
		Help: "Remarks on records that a mapping read, by kind: unknown-value (of an enum or a function), dropped-member, dropped-field, subject-unusable, timestamp-fallback, unreadable-text, unmapped (records it does not know); name is the enum, function, member or field.",
	}, []string{"mapping", "kind", "name"})
	m.notices = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "signalbox_notices_total",
		Help: "Tries to tell people something, by notifier, kind and outcome: sent, failed (tried again), refused (given up).",
	}, []string{"notifier", "kind", "outcome"})
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "signalbox_build_info", Help: "Always 1; the labels tell the version of the running product and of the compiler.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	info.Set(1)
	m.registry.MustRegister(m.heard, m.responses, m.refused, m.refusing, m.spans, m.mapNotes)
	m.registry.MustRegister(m.messages, m.events, m.actions, m.ruleFails, m.station, m.items,
		m.response, m.restarts, m.kept, m.reloads, m.notices, m.crossings, m.drills, m.drillTime, m.drillStamp, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// refuses counts the connections that a listener refuses.
func (m *metrics) refuses(listener string) func(bound string) {
	for _, bound := range []string{boundAddress, boundTotal} {
		m.refused.WithLabelValues(listener, bound)
	}
	return func(bound string) { m.refused.WithLabelValues(listener, bound).Inc() }
}

// watchStore exports the fill of the store's budgets.
func (m *metrics) watchStore(s store.Store) {
	gauge := func(name, help string, value func(store.Usage) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return value(s.Usage()) }))
	}
	gauge("signalbox_journal_bytes", "Size of the journal.", func(u store.Usage) float64 { return float64(u.JournalBytes) })
	gauge("signalbox_journal_max_bytes", "Configured bound of the journal, 0 for none.", func(u store.Usage) float64 { return float64(u.JournalMax) })
	gauge("signalbox_disk_free_bytes", "Free space of the disk under data_dir.", func(u store.Usage) float64 { return float64(u.DiskFree) })
	gauge("signalbox_disk_min_free_bytes", "Configured least free space, below which intake stops; 0 for none.", func(u store.Usage) float64 { return float64(u.DiskMin) })
	gauge("signalbox_journal_last_sequence", "Sequence of the newest journal record.", func(u store.Usage) float64 { return float64(u.Last) })
}

// watchSwitch exports the stop switch, so that somebody notices when it is
// forgotten.
func (m *metrics) watchSwitch(line *pipeline.Pipeline) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "signalbox_actions_stopped", Help: "1 while an operator has stopped all actions.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if on, err := line.Stopped(ctx); on && err == nil {
			return 1
		}
		return 0
	}))
}

// watchBudgets exports how far each bound of what is stored is used up.
func (m *metrics) watchBudgets(line *pipeline.Pipeline, sinks []string) {
	m.registry.MustRegister(budgetCollector{line, sinks})
}

// budgetReached counts that a budget reached a level.
func (m *metrics) budgetReached(b pipeline.Budget, level int) {
	m.crossings.WithLabelValues(b.Name, b.Of, strconv.Itoa(level)).Inc()
}

// budgetCollector reads all budgets at once.
type budgetCollector struct {
	line  *pipeline.Pipeline
	sinks []string
}

var budgetDesc = prometheus.NewDesc("signalbox_budget_used_ratio",
	"How far a budget is used up, 1 and above: entirely; target is the sink of a queue.", []string{"budget", "target"}, nil)

// Describe implements prometheus.Collector.
func (budgetCollector) Describe(c chan<- *prometheus.Desc) { c <- budgetDesc }

// Collect implements prometheus.Collector.
func (b budgetCollector) Collect(c chan<- prometheus.Metric) {
	for _, x := range b.line.Budgets(b.sinks) {
		c <- prometheus.MustNewConstMetric(budgetDesc, prometheus.GaugeValue, float64(x.Percent)/100, x.Name, x.Of)
	}
}

// watchQueue exports the backlog of a sink.
func (m *metrics) watchQueue(s store.Store, sink string, now func() time.Time) {
	labels := prometheus.Labels{"target": sink}
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "signalbox_pending_actions", Help: "Actions waiting for a sink.", ConstLabels: labels,
		}, func() float64 {
			n, _ := s.Pending(sink)
			return float64(n)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "signalbox_oldest_pending_seconds", Help: "Age of the oldest action waiting for a sink.", ConstLabels: labels,
		}, func() float64 {
			n, oldest := s.Pending(sink)
			if n == 0 {
				return 0
			}
			return max(0, now().Sub(oldest).Seconds())
		}))
}

// watchIndex exports how far an index is behind the journal.
func (m *metrics) watchIndex(index string, lag func() uint64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "signalbox_index_lag_records", Help: "Journal records an index has not taken.",
		ConstLabels: prometheus.Labels{"index": index},
	}, func() float64 { return float64(lag()) }))
}

// watchPositions exports how a source stands that reads by position.
func (m *metrics) watchPositions(name string, s pipeline.Source) {
	if p, ok := s.(kind.Positioned); ok {
		m.registry.MustRegister(positionCollector{name, p})
	}
}

// positionCollector reads all figures of a source at once.
type positionCollector struct {
	name   string
	source kind.Positioned
}

var _ prometheus.Collector = positionCollector{}

func (p positionCollector) descs() (behind, partitions, rebalances, failures, letters *prometheus.Desc) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, prometheus.Labels{"source": p.name})
	}
	return desc("signalbox_source_behind_records", "Records at the broker that are not done, of the partitions assigned here; topic as configured.", "topic"),
		desc("signalbox_source_partitions", "Partitions assigned to this process; topic as configured.", "topic"),
		desc("signalbox_source_rebalances_total", "Times the group gave partitions anew."),
		desc("signalbox_source_commit_failures_total", "Positions that the broker did not take; they are given again."),
		desc("signalbox_source_dead_letters_total", "Refused records written to the dead-letter topic.")
}

// Describe implements prometheus.Collector.
func (p positionCollector) Describe(c chan<- *prometheus.Desc) {
	a, b, d, e, f := p.descs()
	for _, desc := range []*prometheus.Desc{a, b, d, e, f} {
		c <- desc
	}
}

// Collect implements prometheus.Collector.
func (p positionCollector) Collect(c chan<- prometheus.Metric) {
	behind, partitions, rebalances, failures, letters := p.descs()
	now := p.source.Positions()
	for _, t := range now.Topics {
		c <- prometheus.MustNewConstMetric(behind, prometheus.GaugeValue, float64(t.Behind), t.Topic)
		c <- prometheus.MustNewConstMetric(partitions, prometheus.GaugeValue, float64(t.Partitions), t.Topic)
	}
	c <- prometheus.MustNewConstMetric(rebalances, prometheus.CounterValue, float64(now.Rebalances))
	c <- prometheus.MustNewConstMetric(failures, prometheus.CounterValue, float64(now.CommitFailures))
	c <- prometheus.MustNewConstMetric(letters, prometheus.CounterValue, float64(now.DeadLetters))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Took implements pipeline.Observer.
func (m *metrics) Took(station string, n int, d time.Duration) {
	m.station.WithLabelValues(station).Observe(d.Seconds())
	m.items.WithLabelValues(station).Add(float64(n))
}

// Message implements pipeline.Observer.
func (m *metrics) Message(source string, v pipeline.Verdict, code string) {
	m.messages.WithLabelValues(source, string(v), code).Inc()
	if v == pipeline.Accepted || v == pipeline.Repeated {
		m.heard.WithLabelValues(source).SetToCurrentTime()
	}
}

// Event implements pipeline.Observer.
func (m *metrics) Event(typ, result string) { m.events.WithLabelValues(typ, result).Inc() }

// Noted implements pipeline.Observer.
func (m *metrics) Noted(mapping, kind, name string) {
	m.mapNotes.WithLabelValues(mapping, kind, name).Inc()
}

// RuleFailed implements pipeline.Observer.
func (m *metrics) RuleFailed(rule string) { m.ruleFails.WithLabelValues(rule).Inc() }

// Action implements pipeline.Observer.
func (m *metrics) Action(typ, target string, s pipeline.Status, guard string) {
	if typ == "document" { // what an index loop could not bring through
		m.refusing.WithLabelValues(target).Inc()
		return
	}
	m.actions.WithLabelValues(typ, target, string(s), guard).Inc()
}

// Quarantine implements pipeline.Observer.
func (m *metrics) Quarantine(source, what string, n int) {
	m.kept.WithLabelValues(source, what).Add(float64(n))
}

// Acked implements pipeline.Observer.
func (m *metrics) Acked(target string, d time.Duration) {
	m.response.WithLabelValues(target).Observe(max(0, d.Seconds()))
}

// Notice implements pipeline.Observer.
func (m *metrics) Notice(notifier string, kind pipeline.NoticeKind, outcome string) {
	m.notices.WithLabelValues(notifier, string(kind), outcome).Inc()
}

// drilled counts a drill.
func (m *metrics) drilled(a api.DrillAnswer, now time.Time) {
	outcome := "failed"
	if a.OK {
		outcome = "passed"
		m.drillStamp.Set(float64(now.UnixMilli()) / 1000)
	}
	m.drills.WithLabelValues(outcome).Inc()
	for _, s := range a.Stations {
		if s.State == api.StationOK {
			m.drillTime.WithLabelValues(s.Station).Set(s.Seconds)
		}
	}
}
