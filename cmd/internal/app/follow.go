package app

import (
	"context"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// follower reads the journal for somebody other than an index: a relay, or a
// source that wants to know what became of its messages.
type follower struct {
	namedSink
	render  pipeline.Renderer
	fromNow bool // begins with what is journaled after its first start
}

// Names of followers in the store, which no index can have.
const (
	relayPrefix  = "relay "
	sourcePrefix = "source "
)

// followSource notes that a source follows, if it does.
func (a *App) followSource(s namedSource) {
	f, ok := s.source.(kind.Follower)
	if !ok {
		return
	}
	if render, sink := f.Follow(); render != nil {
		a.addFollower(follower{namedSink{sourcePrefix + s.name, sink}, render, false})
	}
}

// connectRelays opens the relays. One that is new hands on what comes from now
// on: what was received long ago is none of its receivers' business.
func (a *App) connectRelays(cfg *config.Config) error {
	for _, r := range cfg.Relays {
		sink, err := a.openSink("relay", r, cfg)
		if err != nil {
			return err
		}
		a.addFollower(follower{namedSink{relayPrefix + r.Name, sink}, pipeline.Relayed, true})
	}
	return nil
}

func (a *App) addFollower(f follower) {
	a.followers = append(a.followers, f)
	a.metrics.watchIndex(f.name, func() uint64 {
		lag, _ := a.line.Lag(context.Background(), f.name)
		return lag
	})
}

// follow starts the followers and forgets those that are no longer configured:
// what they have not read would keep the journal from being cut.
func (a *App) follow(ctx, work context.Context) error {
	keep := map[string]bool{}
	for _, f := range a.followers {
		keep[f.name] = true
	}
	err := a.line.DropIndexes(ctx, func(name string) bool {
		return !keep[name] && (strings.HasPrefix(name, relayPrefix) || strings.HasPrefix(name, sourcePrefix))
	})
	if err != nil {
		return err
	}
	for _, f := range a.followers {
		if f.fromNow {
			if err := a.line.IndexFromNow(ctx, f.name); err != nil {
				return err
			}
		}
		a.loops.start(work, f.name, func(ctx context.Context) error {
			return a.line.Index(ctx, f.name, f.render, f.sink)
		})
	}
	return nil
}
