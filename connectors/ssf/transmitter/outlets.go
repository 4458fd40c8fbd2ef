package transmitter

import (
	"context"
	"fmt"
	"sync"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// outlets are the loops of push streams.
type outlets struct {
	hub    *hub
	open   map[string]*outlet // by stream id
	failed chan error         // takes the first fault
}

// outlet is the loops of one push stream.
type outlet struct {
	print  string // what of the stream they were made of
	sink   *sink
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// print tells whether the loops of a stream must be made anew.
func (s *stream) print() string {
	return fmt.Sprintf("%q %q %q %t", s.Endpoint, s.Authorization, s.Audience, s.Status == enabled)
}

// serve starts and ends loops so that they are those of the streams. A stream
// that cannot be served is tried again and harms no other.
func (o *outlets) serve(ctx context.Context, streams []*stream) {
	wanted := map[string]*stream{}
	for _, s := range streams {
		if s.pushes() && !s.Deleted && o.hub.receivers[s.Receiver] != nil {
			wanted[s.ID] = s
		}
	}
	for id, x := range o.open {
		if s := wanted[id]; s == nil || s.print() != x.print {
			_ = x.close()
			delete(o.open, id)
		}
	}
	for id, s := range wanted {
		if o.open[id] != nil {
			continue
		}
		if err := o.start(ctx, s); err != nil {
			o.hub.log.Error("stream cannot be pushed, will be tried again", "stream", id, "err", err)
		}
	}
}

// start begins to deliver. What is said of the stream itself goes out whatever
// its status is; everything else while it is enabled (SSF-TX-51, SSF-TX-52).
func (o *outlets) start(ctx context.Context, s *stream) error {
	h := o.hub
	data, control := pipeline.StreamQueue(h.name, s.ID), pipeline.ControlQueue(h.name, s.ID)
	sk, err := h.push(s).outlet(h.env, h.mint(s, data))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	x := &outlet{print: s.print(), sink: sk, cancel: cancel}
	o.open[s.ID] = x
	run := func(queue string, sk *sink) {
		x.wg.Go(func() {
			err := h.line.DeliverStream(ctx, queue, sk, func() <-chan struct{} { return h.bells.listen(queue) })
			if err != nil && ctx.Err() == nil {
				select {
				case o.failed <- err:
				default:
				}
			}
		})
	}
	word := *sk
	word.Mint = h.mint(s, control)
	run(control, &word)
	if s.Status == enabled {
		run(data, sk)
	}
	return nil
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
