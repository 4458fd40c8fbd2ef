package app

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/connectors/kind"
)

// mountPublic adds what the shared listener serves beside the connectors.
func (a *App) mountPublic() error {
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /healthz": func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
		},
		"GET /readyz": a.readyz,
		"GET /jwks.json": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/jwk-set+json")
			w.Header().Set("Cache-Control", "public, max-age=300")
			_, _ = w.Write(a.keys.JWKS())
		},
	} {
		if err := a.public.mount(pattern, h); err != nil {
			return err
		}
	}
	return nil
}

// readyz says whether the product can take signals, and what keeps it from it
// in words without details: anybody who reaches the listener may ask.
func (a *App) readyz(w http.ResponseWriter, _ *http.Request) {
	problems := a.problems()
	if len(problems) == 0 {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
		return
	}
	writeJSON(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "parts": slices.Sorted(maps.Keys(problems))})
}

// problems lists the parts that do not work now, with the reason.
func (a *App) problems() map[string]string {
	m := a.loops.faults()
	if a.started.IsZero() {
		m["product"] = "starting"
	}
	for name, part := range a.parts() {
		if part.Ready() || m[name] != "" {
			continue
		}
		why := ""
		if e, ok := part.(kind.Explainer); ok {
			why = e.Why()
		}
		m[name] = cmp.Or(why, "is not ready yet")
	}
	for _, b := range a.line.Budgets(nil) {
		if b.Stops() && b.Percent >= 100 {
			m[b.Name] = b.String() + ": " + b.AtLimit()
		}
	}
	return m
}

// parts are those that tell whether they are ready, by the names of their
// loops.
func (a *App) parts() map[string]kind.Readier {
	m := map[string]kind.Readier{}
	for _, s := range a.sources {
		if r, ok := s.source.(kind.Readier); ok {
			m["source "+s.name] = r
		}
	}
	for _, s := range a.sinks {
		if r, ok := s.sink.(kind.Readier); ok {
			m[streamsPrefix+s.name] = r
		}
	}
	return m
}

func (a *App) status(ctx context.Context) api.Status {
	u := a.store.Usage()
	problems := a.problems()
	s := api.Status{
		Version: a.o.Version, Started: a.started.UTC(), Ready: len(problems) == 0, Problems: problems,
		Policies: a.line.Revision(), Listen: a.Addr(),
		Journal: api.JournalStatus{Last: u.Last, Bytes: u.JournalBytes, MaxBytes: u.JournalMax, DiskFree: u.DiskFree},
		Sources: []api.SourceStatus{}, Sinks: []api.SinkStatus{}, Indexes: []api.IndexStatus{},
	}
	s.Stopped, _ = a.line.Stopped(ctx)
	for _, source := range a.sources {
		s.Sources = append(s.Sources, sourceStatus(source, problems["source "+source.name]))
	}
	for _, sink := range a.sinks {
		n, oldest := a.store.Pending(sink.name)
		s.Sinks = append(s.Sinks, api.SinkStatus{Name: sink.name, Pending: n, Oldest: oldest, Streams: streams(ctx, sink.sink)})
	}
	for _, i := range a.indexes {
		lag, _ := a.line.Lag(ctx, i.name)
		s.Indexes = append(s.Indexes, api.IndexStatus{Name: i.name, Lag: lag})
	}
	return s
}

func sourceStatus(s namedSource, problem string) api.SourceStatus {
	x := api.SourceStatus{Name: s.name, Reason: problem}
	if f, ok := s.source.(kind.Feed); ok {
		state := f.Feed()
		x.Feed, x.Last, x.Keys = state.Status, state.LastSET, state.KeysFetched
		x.Reason = cmp.Or(problem, state.Reason)
	}
	if p, ok := s.source.(kind.Positioned); ok {
		var behind int64
		for _, t := range p.Positions().Topics {
			behind += t.Behind
		}
		x.Behind = &behind
	}
	return x
}

func (a *App) backend() api.Backend {
	return api.Backend{
		Pipeline: a.line, Searcher: a.search, Status: a.status, Reload: a.Reload, Drill: a.Drill, Emit: a.emit, RotateKeys: a.rotateKeys, Export: a.export, Now: a.o.Now,
		Explain:   explainer(a.gen.Load),
		Receivers: api.ReceiversBackend{List: a.receivers, SetStatus: a.setReceiverStatus},
		Store:     api.StoreBackend{Status: a.storeStatus, Compact: a.compact, Backup: a.backup, Rebuild: a.rebuild},
	}
}
