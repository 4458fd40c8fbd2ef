package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/backup"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

func storeDir(cfg *config.Config) string { return filepath.Join(cfg.DataDir, "store") }

// storeOptions bounds the store as configured.
func storeOptions(cfg *config.Config) store.Options {
	return store.Options{SeenFor: cfg.SeenFor, Keep: cfg.Journal.Keep, MaxJournal: cfg.Journal.MaxSize, MinFree: cfg.Journal.MinFree}
}

// InspectStore looks into the store of a product that does not run. The error
// is store.ErrNone where there is none.
func InspectStore(cfg *config.Config) (s api.StoreStatus, err error) {
	st, err := store.OpenReadOnly(storeDir(cfg), storeOptions(cfg))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return storeStatus(st, cfg)
}

func (a *App) storeStatus(context.Context) (api.StoreStatus, error) {
	s, err := storeStatus(a.store, a.cfg)
	s.Running = true
	return s, err
}

func storeStatus(st *store.Embedded, cfg *config.Config) (s api.StoreStatus, err error) {
	stats, err := st.Stats()
	if err != nil {
		return s, err
	}
	s = api.StoreStatus{
		Format: stats.Format,
		Journal: api.StoreJournal{
			First: stats.First, Last: stats.Last, Records: stats.Last + 1 - min(stats.First, stats.Last+1),
			FirstTime: stats.FirstAt, LastTime: stats.LastAt, Bytes: stats.JournalBytes,
		},
		Disk:    api.StoreDisk{Tables: stats.TableBytes, Log: stats.LogBytes, Free: stats.DiskFree},
		Parts:   []api.StorePart{},
		Cursors: []api.StoreCursor{},
		Queues:  []api.StoreQueue{},
		Timers:  api.StoreTimers{Count: stats.Timers, Next: stats.NextTimer},
		Budgets: []api.BudgetStatus{},
	}
	for _, p := range stats.Parts {
		s.Parts = append(s.Parts, api.StorePart(p))
	}
	for _, name := range slices.Sorted(maps.Keys(stats.Cursors)) {
		at := stats.Cursors[name]
		s.Cursors = append(s.Cursors, api.StoreCursor{Name: name, At: at, Lag: stats.Last - min(at, stats.Last)})
	}
	for _, q := range stats.Queues {
		s.Queues = append(s.Queues, api.StoreQueue{Sink: q.Name, Pending: q.Items, Oldest: q.Oldest})
	}
	for _, b := range pipeline.Budgets(st, sinkNames(cfg), cfg.Limits.MaxPending) {
		s.Budgets = append(s.Budgets, api.BudgetStatus{Name: b.Name, Of: b.Of, Used: b.Used, Max: b.Max, Percent: b.Percent, AtLimit: b.AtLimit()})
	}
	return s, nil
}

func sinkNames(cfg *config.Config) []string {
	names := make([]string, len(cfg.Sinks))
	for i, s := range cfg.Sinks {
		names[i] = s.Name
	}
	return names
}

// compact makes the store give back room and says how much.
func (a *App) compact(ctx context.Context, by string) (c api.CompactAnswer, err error) {
	size := func() (int64, error) {
		s, err := a.store.Stats()
		return s.TableBytes + s.LogBytes, err
	}
	if c.Before, err = size(); err != nil {
		return c, err
	}
	if err := a.store.Compact(ctx); err != nil {
		return c, err
	}
	if c.After, err = size(); err != nil {
		return c, err
	}
	return c, a.line.Note(ctx, pipeline.OperatorPart{Verb: "compact", By: by, Detail: pipeline.Bytes(c.Before) + " before, " + pipeline.Bytes(c.After) + " after"})
}

// backup makes a backup and notes it, as keys leave the product with it.
func (a *App) backup(ctx context.Context, dir, by string, progress backup.Progress) (m backup.Manifest, err error) {
	if !filepath.IsAbs(dir) {
		return m, &api.Error{Message: "the backup's folder must be given by its whole path"}
	}
	m, err = backup.Write(ctx, backup.Options{
		Store: a.store, DataDir: a.cfg.DataDir, Dir: dir, Version: a.o.Version, Node: nodeName(a.cfg), Now: a.o.Now(), Progress: progress,
	})
	note := pipeline.OperatorPart{Verb: "backup", By: by, Detail: fmt.Sprintf("%s, journal up to %d", dir, m.Last)}
	if err != nil {
		note.Detail, note.Failed = dir, err.Error()
	}
	return m, errors.Join(err, a.line.Note(context.WithoutCancel(ctx), note))
}

// rebuild gives an index the whole journal again.
func (a *App) rebuild(ctx context.Context, index, by string) (r api.RebuildAnswer, err error) {
	var names []string
	for _, i := range a.indexes {
		names = append(names, i.name)
	}
	if !slices.Contains(names, index) {
		return r, &api.Error{Message: fmt.Sprintf("there is no index %q", index), Hint: "the configuration has: " + strings.Join(names, ", ")}
	}
	if err := a.line.Rebuild(ctx, index, by); err != nil {
		return r, err
	}
	u := a.store.Usage()
	return api.RebuildAnswer{Index: index, Records: u.Last + 1 - min(u.First, u.Last+1)}, nil
}
