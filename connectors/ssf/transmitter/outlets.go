package transmitter

import (
	"context"
	"fmt"
	"sync"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// outlets are the loops of push streams.
type outlets struct {
	hub    *hub
	open   map[string]*outlet // by queue
	failed chan error         // takes the first fault
}

// outlet is the loop of one queue of a push stream.
type outlet struct {
	print  string // what of the stream it was made of
	sink   *sink
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// print tells whether the loops of a stream must be made anew.
func (s *stream) print() string {
	return fmt.Sprintf("%q %q %q", s.Endpoint, s.Authorization, s.Audience)
}

// serve starts and ends loops so that they are those of the streams. What is said
// of a stream itself goes out whatever its status is, everything else while it is
// enabled (SSF-TX-51, SSF-TX-52). A stream that cannot be served is tried again
// and harms no other.
func (o *outlets) serve(ctx context.Context, streams []*stream) {
	wanted := map[string]*stream{}
	for _, s := range streams {
		if !s.pushes() || s.Deleted || o.hub.receivers[s.Receiver] == nil {
			continue
		}
		wanted[pipeline.ControlQueue(o.hub.name, s.ID)] = s
		if s.Status == enabled {
			wanted[pipeline.StreamQueue(o.hub.name, s.ID)] = s
		}
	}
	for queue, x := range o.open {
		if s := wanted[queue]; s == nil || s.print() != x.print {
			_ = x.close()
			delete(o.open, queue)
		}
	}
	for queue, s := range wanted {
		if o.open[queue] != nil {
			continue
		}
		if err := o.start(ctx, queue, s); err != nil {
			o.hub.log.Error("stream cannot be pushed, will be tried again", "stream", s.ID, "err", err)
		}
	}
}

// start begins to deliver a queue.
func (o *outlets) start(ctx context.Context, queue string, s *stream) error {
	h := o.hub
	sk, err := h.push(s).outlet(h.env, h.mint(s, queue))
	if err != nil {
		return err
	}
	print := s.print()
	id := s.ID
	sk.told = func(r pipeline.Result) { h.pushed(id, r) }
	if queue == pipeline.StreamQueue(h.name, s.ID) {
		sk.await = func(ctx context.Context) error { return h.unchanged(ctx, s.ID, print) }
	}
	ctx, cancel := context.WithCancel(ctx)
	x := &outlet{print: print, sink: sk, cancel: cancel}
	o.open[queue] = x
	x.wg.Go(func() {
		err := h.line.DeliverStream(ctx, queue, sk, func() <-chan struct{} { return h.bells.listen(queue) })
		if err != nil && ctx.Err() == nil {
			select {
			case o.failed <- err:
			default:
			}
		}
	})
	return nil
}

// unchanged returns when the stream is enabled and as it was when its loop was
// made. Every push reads the store for that: a change is answered as soon as it
// is committed, the loop ends after that, and what it claimed before must not go
// out in between (SSF-TX-52).
func (h *hub) unchanged(ctx context.Context, id, print string) error {
	for {
		changed := h.bells.listen(h.lock)
		var now *stream
		if err := h.line.Read(ctx, func(tx store.Tx) (err error) {
			now, err = h.load(tx, id)
			return err
		}); err != nil {
			return err
		}
		if now != nil && now.Status == enabled && now.print() == print {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// push is the block by which a stream is pushed: that of the configuration, or
// what its receiver may choose of it.
func (h *hub) push(s *stream) *Push {
	if d, ok := h.declared[s.ID]; ok && d.Push != nil {
		return d.Push
	}
	r := h.receivers[s.Receiver]
	return &Push{
		Endpoint: s.Endpoint, Authorization: pipeline.Secret(s.Authorization),
		AllowPrivate: r.allowPrivate, CAFile: r.caFile,
	}
}

func (x *outlet) close() error {
	x.cancel()
	x.wg.Wait()
	return x.sink.Close()
}

func (o *outlets) close() {
	for _, x := range o.open {
		_ = x.close()
	}
}
