package app

import (
	"context"
	"slices"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// notify starts the notifiers, and forgets those that are no longer configured.
func (a *App) notify(ctx, work context.Context) error {
	var names []string
	for _, n := range a.cfg.Notify {
		names = append(names, n.Sink)
	}
	if err := a.line.KeepNotifiers(ctx, names); err != nil {
		return err
	}
	for _, n := range a.cfg.Notify {
		i := slices.IndexFunc(a.sinks, func(s namedSink) bool { return s.name == n.Sink })
		if i < 0 {
			continue // the configuration was checked for it
		}
		a.loops.start(work, "notify "+n.Sink, func(ctx context.Context) error {
			return a.line.Notify(ctx, pipeline.Notifier{
				Name: n.Sink, On: n.On, Rules: n.Rules, Severity: n.Severity, Gather: n.Gather, Every: n.Every, Body: n.Body.Render,
			}, a.sinks[i].sink)
		})
	}
	return nil
}
