package app

import (
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Reload reads configuration and policies again and exchanges issuers, remits,
// actions, protections, limits and rules as one. On any error everything stays
// as it was. Listeners, sources, sinks, notifiers, indexes, store and journal settings
// are taken up by a restart only; the answer says if one of them changed.
func (a *App) Reload(ctx context.Context, by string) (api.ReloadAnswer, error) {
	a.reload.Lock()
	defer a.reload.Unlock()
	g, err := load(a.o)
	var s pipeline.Settings
	if err == nil {
		s, err = a.settings(g)
	}
	note := pipeline.OperatorPart{Verb: "reload", By: by}
	if err != nil {
		a.metrics.reloads.WithLabelValues("failed").Inc()
		a.log.Error("reload failed, the settings before stay in use", "err", err)
		note.Failed = err.Error()
		_ = a.line.Note(ctx, note)
		return api.ReloadAnswer{}, err
	}
	a.line.Use(s)
	a.gen.Store(g)
	a.metrics.expect(g)
	answer := api.ReloadAnswer{Revision: g.rules.Revision(), Restart: needsRestart(a.cfg, g.cfg)}
	a.metrics.reloads.WithLabelValues("done").Inc()
	a.log.Info("reloaded", "policies", answer.Revision)
	if answer.Restart {
		a.log.Warn("a listener, source, sink, notifier, index or journal setting changed: it is taken up by a restart only")
	}
	note.Detail = "policies " + answer.Revision
	return answer, a.line.Note(ctx, note)
}

// needsRestart compares what only a start takes up.
func needsRestart(old, next *config.Config) bool {
	shape := func(c *config.Config) any {
		var list []any
		for _, s := range c.Sources {
			list = append(list, s.Kind, s.Name, s.Config)
		}
		for _, s := range slices.Concat(c.Sinks, c.Indexes, c.Relays) {
			list = append(list, s.Kind, s.Name, s.Config)
		}
		for _, n := range c.Notify {
			list = append(list, n.Sink, n.On, n.Rules, n.Severity, n.Gather, n.Every, n.Body.String())
		}
		return append(list, c.Listen, c.DataDir, c.Node, c.Journal, c.SeenFor, c.Metrics, c.TLS, c.Traces, c.Limits)
	}
	return !reflect.DeepEqual(shape(old), shape(next))
}

// How often the policy folder is looked at, and how long it must be quiet
// before it is read: an editor writes in more than one step.
const policyInterval = 2 * time.Second

// watchPolicies reloads when a file of own policies or mappings changed.
func (a *App) watchPolicies(ctx context.Context) error {
	seen := policyPrint(a.gen.Load().cfg)
	pending := seen
	tick := time.NewTicker(policyInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := policyPrint(a.gen.Load().cfg)
		if now != seen && now == pending {
			seen = now
			// A failure was logged and noted; the old rules stay in use.
			_, _ = a.Reload(ctx, "signalbox (policies or mappings changed)")
		}
		pending = now
	}
}

// policyPrint changes when names, sizes or times of the files of own policies
// and mappings do.
func policyPrint(cfg *config.Config) uint64 {
	h := fnv.New64a()
	for _, dir := range []string{cfg.Policies.Dir, cfg.Mappings.Dir} {
		if dir == "" {
			continue
		}
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil
			}
			if info, err := os.Stat(path); err == nil {
				fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	return h.Sum64()
}
