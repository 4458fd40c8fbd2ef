package app

import (
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/cmd/internal/trace"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// exporter is what sends spans, nil if nothing is traced.
func (a *App) exporter(cfg *config.Config) *trace.Exporter {
	t := cfg.Traces
	if t == nil {
		return nil
	}
	return trace.New(trace.Options{
		Endpoint: t.Endpoint, Sample: t.Sample, Authorization: t.Authorization, Version: a.o.Version, Node: nodeName(cfg),
		Count: func(sent, dropped int) {
			a.metrics.spans.WithLabelValues("sent").Add(float64(sent))
			a.metrics.spans.WithLabelValues("dropped").Add(float64(dropped))
		},
		Fail: func(err error) { a.log.Warn("spans were dropped", "err", err) },
	})
}

// tracer keeps a nil exporter from becoming a Tracer that is not nil.
func tracer(e *trace.Exporter) pipeline.Tracer {
	if e == nil {
		return nil
	}
	return e
}
