// Package receiver is the source "ssf": it receives Security Event Tokens of a
// transmitter of the Shared Signals Framework.
//
// Without a transmitter in the configuration it is a push endpoint (RFC 8935)
// that somebody has set the transmitter up for; what is promised there is said
// in package push. With one, the product makes a stream of its own at the
// transmitter or takes over one that is there, keeps it as configured, takes
// its SETs by push or by poll (RFC 8936), and finds out whether a quiet stream
// is alive.
//
// # Promise of polls
//
// A SET is acknowledged when its outcome is durable, and not before; one that
// will never be taken is reported in setErrs instead, so that it does not come
// back. What cannot be handled now is kept and tried again, and is not
// acknowledged until then. An acknowledgement that may not have arrived is sent
// again. A restart at any point makes the transmitter deliver again what was not
// acknowledged, and repeats are acknowledged like new ones (POLL-14).
//
// # Two loops
//
// The keeper looks after the stream: discovery, configuration, subjects, status,
// verification. The poller fetches. Neither ends with a fault: both back off,
// the stream's health tells what is wrong, and pushes go on being taken while the
// management API is out of reach.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/connectors/ssf/push"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Open implements kind.SourceConfig. It mounts the push endpoint, if there is
// one, which answers 503 until the source runs.
func (c *Config) Open(env kind.Env) (pipeline.Source, error) {
	var endpoint *push.Endpoint
	if c.Push != nil {
		var err error
		if endpoint, err = c.openPush(env); err != nil {
			return nil, err
		}
	}
	if c.Transmitter == "" {
		return endpoint, nil
	}
	tx, err := c.Client(env)
	if err != nil {
		return nil, fmt.Errorf("ssf source: %w", err)
	}
	return c.open(env, endpoint, tx)
}

func (c *Config) openPush(env kind.Env) (*push.Endpoint, error) {
	if env.Mount == nil {
		return nil, errors.New("ssf source: nothing to mount the push endpoint on")
	}
	bounds, _ := c.Push.bounds()
	e := push.New(push.Options{
		Source:        env.Name,
		Sender:        c.Issuer,
		Authorization: string(c.Push.Authorization),
		Anonymous:     c.Push.Anonymous,
		Bounds:        bounds,
		MaxBatch:      env.Messages(push.MaxBatch),
		Log:           env.Logger(),
		Now:           env.Clock(),
	})
	if err := env.Mount(c.Mounts(env.Name)[0], e); err != nil {
		return nil, fmt.Errorf("ssf source: mount push endpoint: %w", err)
	}
	return e, nil
}

// open makes the source of a stream.
func (c *Config) open(env kind.Env, endpoint *push.Endpoint, tx *client.Client) (*source, error) {
	mem, err := openMemory(memoryPath(env))
	if err != nil {
		return nil, fmt.Errorf("ssf source: %w", err)
	}
	s := &source{
		name: env.Name, issuer: c.Issuer, wanted: c.Wanted(env.Name), audience: c.audience, push: endpoint, tx: tx, mem: mem,
		log: env.Logger(), now: env.Clock(), keys: func() kind.KeyHealth { return env.KeyHealth(c.Issuer) }, batch: env.Messages(push.MaxBatch), kick: make(chan struct{}, 1), found: make(chan struct{}, 1),
	}
	s.conf, s.polling, _, _ = c.bounded()
	if s.conf.ID != "" && s.conf.ID != mem.get().Stream {
		if err := mem.change(func(d *remembered) { *d = remembered{Stream: s.conf.ID, Told: d.Told} }); err != nil {
			return nil, fmt.Errorf("ssf source: %w", err)
		}
	}
	s.health.every, s.health.told = s.conf.VerifyEvery, mem.get().Told
	return s, nil
}

// source is a stream at a transmitter.
type source struct {
	name     string
	issuer   string
	conf     Stream
	polling  Poll
	wanted   client.Wanted
	audience []string
	push     *push.Endpoint // nil: it polls
	tx       *client.Client
	mem      *memory
	log      *slog.Logger
	now      func() time.Time
	keys     func() kind.KeyHealth
	batch    int // messages handed over at once

	health health
	stream atomic.Pointer[client.Stream] // nil while there is none
	kick   chan struct{}                 // the keeper is to look now
	found  chan struct{}                 // a stream was found
	taker  atomic.Pointer[pipeline.FeedTaker]
}

var (
	_ pipeline.Source = (*source)(nil)
	_ kind.Readier    = (*source)(nil)
	_ kind.Explainer  = (*source)(nil)
)

// Run implements pipeline.Source.
func (s *source) Run(ctx context.Context, h pipeline.Handler) error {
	if taker, ok := h.(pipeline.FeedTaker); ok {
		s.taker.Store(&taker)
	}
	s.health.update(func(h *health) {
		if h.began.IsZero() {
			h.began = s.now()
		}
	})
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { s.keep(inner) })
	var err error
	if s.push != nil {
		err = s.push.Run(ctx, h)
	} else {
		s.fetch(ctx, h)
	}
	cancel()
	wg.Wait()
	return err
}

// Ready implements kind.Readier: SETs are taken, or fetched.
func (s *source) Ready() bool {
	if s.push != nil {
		return s.push.Ready()
	}
	return s.stream.Load() != nil
}

// Why implements kind.Explainer.
func (s *source) Why() string {
	if s.Ready() {
		return ""
	}
	return s.Feed().Reason
}

// Expected implements set.StateChecker for the source's own stream.
func (s *source) Expected(stream, state, jti string) bool {
	return s.mem.expected(stream, state, jti, s.now())
}

// Closed channels and full ones alike: whoever is told looks for itself.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sleep waits, or until c is signalled or ctx ends.
func sleep(ctx context.Context, d time.Duration, c <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c:
	case <-ctx.Done():
	}
}
