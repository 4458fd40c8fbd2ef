package app

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// expect makes the series that alerts wait for, at 0: increase() does not see a
// counter that appears with its first count.
func (m *metrics) expect(g *generation) {
	for _, s := range g.cfg.Sources {
		for _, v := range []pipeline.Verdict{pipeline.Accepted, pipeline.Repeated, pipeline.Reused, pipeline.Discarded} {
			m.messages.WithLabelValues(s.Name, string(v), "")
		}
		if m.first(s.Name) {
			m.heard.WithLabelValues(s.Name).SetToCurrentTime()
		}
		m.restarts.WithLabelValues("source " + s.Name)
	}
	for _, a := range g.cfg.Actions {
		m.expectAction(a)
	}
	for _, r := range g.rules.Rules() {
		m.ruleFails.WithLabelValues(r.Name)
	}
	for _, s := range g.cfg.Sinks {
		m.restarts.WithLabelValues("sink " + s.Name)
	}
	for _, r := range g.cfg.Relays {
		m.restarts.WithLabelValues(relayPrefix + r.Name)
	}
	for _, i := range g.cfg.Indexes {
		m.restarts.WithLabelValues("index " + i.Name)
		m.refusing.WithLabelValues(i.Name)
	}
	for _, outcome := range []string{"done", "failed"} {
		m.reloads.WithLabelValues(outcome)
	}
	for _, outcome := range []string{"sent", "dropped"} {
		m.spans.WithLabelValues(outcome)
	}
	for _, outcome := range []string{"passed", "failed"} {
		m.drills.WithLabelValues(outcome)
	}
}

// expectAction makes the series of actions that were lost or wait for people.
func (m *metrics) expectAction(a *config.Action) {
	for _, e := range a.Emits {
		for _, sink := range e.To {
			for _, s := range []pipeline.Status{pipeline.Acked, pipeline.Dead, pipeline.Expired} {
				m.actions.WithLabelValues(a.Name, sink, string(s), "")
			}
		}
	}
	for _, guard := range []string{"protected", "stop", "stale", "late"} {
		m.actions.WithLabelValues(a.Name, "", string(pipeline.Held), guard)
	}
	for _, guard := range []string{"limit", "mode"} {
		m.actions.WithLabelValues(a.Name, "", string(pipeline.PendingApproval), guard)
	}
}

// first reports whether the source is new to the figures.
func (m *metrics) first(source string) bool {
	m.known.Lock()
	defer m.known.Unlock()
	if m.sources[source] {
		return false
	}
	m.sources[source] = true
	return true
}

// statuses are what an endpoint of ours may answer beside 202.
var statuses = []int{
	http.StatusAccepted, http.StatusBadRequest, http.StatusUnauthorized, http.StatusMethodNotAllowed, http.StatusRequestTimeout,
	http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests, http.StatusServiceUnavailable,
}

// further are those of endpoints that are managed, which have no series before
// their first answer.
var further = []int{
	http.StatusOK, http.StatusCreated, http.StatusNoContent, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
}

// answers counts what an endpoint answers.
func (m *metrics) answers(connector string, h http.Handler) http.Handler {
	for _, s := range statuses {
		m.responses.WithLabelValues(connector, strconv.Itoa(s))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &counted{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			label := "other"
			if slices.Contains(statuses, c.status) || slices.Contains(further, c.status) {
				label = strconv.Itoa(c.status)
			}
			m.responses.WithLabelValues(connector, label).Inc()
		}()
		h.ServeHTTP(c, r)
	})
}

// counted remembers the status of an answer.
type counted struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (c *counted) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// watchReady exports what readyz says.
func (m *metrics) watchReady(ready func() bool) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "signalbox_ready", Help: "1 while every part works and signals are taken, as /readyz says.",
	}, func() float64 {
		if ready() {
			return 1
		}
		return 0
	}))
}

// watchKeys exports how the key sets of issuers are.
func (m *metrics) watchKeys(keys func() map[string]*jose.RemoteSet) {
	m.registry.MustRegister(&keyHealth{
		keys: keys,
		fetched: prometheus.NewDesc("signalbox_issuer_keys_fetched_timestamp_seconds",
			"When the key set of an issuer in use was fetched, 0 if no token asked for it yet.", []string{"issuer"}, nil),
		failed: prometheus.NewDesc("signalbox_issuer_keys_fetch_failed",
			"1 while the last fetch of an issuer's key set failed.", []string{"issuer"}, nil),
	})
}

// keyHealth collects from the key sets in use, which a reload exchanges.
type keyHealth struct {
	keys            func() map[string]*jose.RemoteSet
	fetched, failed *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (k *keyHealth) Describe(ch chan<- *prometheus.Desc) {
	ch <- k.fetched
	ch <- k.failed
}

// Collect implements prometheus.Collector.
func (k *keyHealth) Collect(ch chan<- prometheus.Metric) {
	for issuer, set := range k.keys() {
		at, err := set.Health()
		seconds, failed := 0.0, 0.0
		if !at.IsZero() {
			seconds = float64(at.UnixMilli()) / 1000
		}
		if err != nil {
			failed = 1
		}
		ch <- prometheus.MustNewConstMetric(k.fetched, prometheus.GaugeValue, seconds, issuer)
		ch <- prometheus.MustNewConstMetric(k.failed, prometheus.GaugeValue, failed, issuer)
	}
}
