package transmitter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// tendEvery is how often streams are looked after when nothing calls for it.
const tendEvery = 10 * time.Second

// Run implements kind.Streamer: it keeps one loop per push stream and queue,
// removes what is left of deleted and disabled streams, and watches for those
// nobody uses.
func (h *hub) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.mu.Lock()
	h.since = h.now()
	h.mu.Unlock()
	if err := h.declare(ctx); err != nil {
		return fmt.Errorf("streams of %s: %w", h.name, err)
	}
	var watch sync.WaitGroup
	watch.Go(func() { h.bells.watch(ctx, h.line) })
	h.running.Store(true)
	out := &outlets{hub: h, open: map[string]*outlet{}, failed: make(chan error, 1)}
	defer func() {
		h.running.Store(false)
		cancel()
		out.close()
		watch.Wait()
		if err := h.writeCourses(context.WithoutCancel(ctx)); err != nil {
			h.log.Warn("what became of the last SETs of streams is not written down", "err", err)
		}
	}()
	var written time.Time
	for {
		changed := h.bells.listen(h.lock)
		err := h.tend(ctx, out)
		if now := h.now(); err == nil && (now.Sub(written) >= tendEvery || now.Before(written)) {
			written, err = now, h.writeCourses(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("streams of %s: %w", h.name, err)
		}
		timer := time.NewTimer(tendEvery)
		select {
		case <-ctx.Done():
		case <-changed:
		case <-timer.C:
		case err := <-out.failed:
			timer.Stop()
			return err
		}
		timer.Stop()
	}
}

// Ready implements kind.Readier: requests of receivers are answered.
func (h *hub) Ready() bool { return h.running.Load() }

// declare makes the streams of the configuration as it states them, and gives up
// those it states no more.
func (h *hub) declare(ctx context.Context) error {
	return h.change(ctx, func(tx store.Tx, _ func(pipeline.Action)) error {
		for id, d := range h.declared {
			s, err := h.load(tx, id)
			if err != nil {
				return err
			}
			if s == nil {
				s = &stream{ID: id, Declared: true, Created: h.now().UTC(), Status: enabled}
			}
			s.Receiver, s.Audience, s.Describe, s.Method, s.Endpoint = d.receiver, h.receivers[d.receiver].audience, d.Describe, ssf.DeliveryPoll, ""
			if d.Push != nil {
				s.Method, s.Endpoint = ssf.DeliveryPush, d.Push.Endpoint
			}
			if err := h.save(tx, s); err != nil {
				return err
			}
		}
		streams, err := h.loadAll(tx)
		if err != nil {
			return err
		}
		for _, s := range streams {
			if _, stated := h.declared[s.ID]; s.Declared && !stated && !s.Deleted {
				s.Deleted = true
				if err := h.save(tx, s); err != nil {
					return err
				}
			}
			if h.receivers[s.Receiver] == nil && !s.Deleted {
				h.log.Warn("the receiver of a stream is not configured: the stream gets nothing", "stream", s.ID, "receiver", s.Receiver)
			}
		}
		return nil
	})
}

// change runs fn in a transaction that holds the lock of the streams, and has
// them looked after.
func (h *hub) change(ctx context.Context, fn func(tx store.Tx, add func(pipeline.Action)) error) error {
	err := h.line.Transact(ctx, []string{h.lock}, fn)
	if err == nil {
		h.bells.ring(h.lock)
	}
	return err
}

// tend brings everything beside the records of streams to where those say.
func (h *hub) tend(ctx context.Context, out *outlets) error {
	var streams []*stream
	if err := h.line.Read(ctx, func(tx store.Tx) (err error) {
		streams, err = h.loadAll(tx)
		return err
	}); err != nil {
		return err
	}
	out.serve(ctx, streams)
	for _, s := range streams {
		var err error
		switch {
		case s.Deleted:
			err = h.clear(ctx, s)
		case s.Status == disabled:
			err = h.discard(ctx, s, false, "the stream is disabled", func(now *stream) bool { return !now.Deleted && now.Status == disabled })
		}
		if err == nil && !s.Deleted {
			err = errors.Join(h.idle(ctx, s), h.silent(ctx, s))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// clear removes what is left of a deleted stream, its record last.
func (h *hub) clear(ctx context.Context, s *stream) error {
	gone := func(now *stream) bool { return now.Deleted }
	for _, control := range []bool{false, true} {
		if err := h.discard(ctx, s, control, "the stream was deleted", gone); err != nil {
			return err
		}
	}
	for {
		var keys []string
		if err := h.line.Scan(ctx, h.subjectPrefix(s.ID), func(key string, _ []byte) bool {
			keys = append(keys, key)
			return len(keys) < 1000
		}); err != nil {
			return err
		}
		if err := h.change(ctx, func(tx store.Tx, _ func(pipeline.Action)) error {
			for _, k := range keys {
				tx.Delete(k)
			}
			if len(keys) == 0 {
				return h.erase(tx, s.ID)
			}
			return nil
		}); err != nil {
			return err
		}
		if len(keys) == 0 {
			h.forget(s.ID)
			return nil
		}
	}
}

// forget drops what is remembered of a stream that is gone.
func (h *hub) forget(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.active, id)
	delete(h.dead, id)
	delete(h.courses, id)
}

// discard ends what waits for a stream while still holds of it.
func (h *hub) discard(ctx context.Context, s *stream, control bool, why string, still func(*stream) bool) error {
	queue := pipeline.StreamQueue(h.name, s.ID)
	if control {
		queue = pipeline.ControlQueue(h.name, s.ID)
	}
	return h.line.Discard(ctx, queue, h.lock, why, func(tx store.Tx) (bool, error) {
		now, err := h.loadAny(tx, s.ID)
		return err == nil && now != nil && still(now), err
	})
}

// touch notes eligible activity (SSF-TX-44). It is written down with the next
// change of the stream, or when a tenth of the time-out has passed.
func (h *hub) touch(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.active[id] = h.now()
}

// lastActive is the last eligible activity. Nobody could be active while we did
// not run.
func (h *hub) lastActive(s *stream) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := s.Active
	for _, t := range []time.Time{s.Created, h.active[s.ID], h.since} {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// idle pauses or disables a stream that its receiver does not use (SSF-TX-45,
// SSF-TX-46).
func (h *hub) idle(ctx context.Context, s *stream) error {
	if h.terms.inactivity == 0 || s.Status != enabled || s.Declared && s.pushes() {
		return nil
	}
	last := h.lastActive(s)
	if h.now().Sub(last) < h.terms.inactivity {
		if last.Sub(s.Active) < h.terms.inactivity/10 {
			return nil
		}
		return h.change(ctx, func(tx store.Tx, _ func(pipeline.Action)) error {
			now, err := h.load(tx, s.ID)
			if err != nil || now == nil {
				return err
			}
			now.Active = last.UTC()
			return h.save(tx, now)
		})
	}
	to := paused
	if h.disables {
		to = disabled
	}
	reason := "no call and no poll for " + h.terms.inactivity.String()
	return h.shift(ctx, s.ID, to, reason, func(now *stream) bool { return h.now().Sub(h.lastActive(now)) >= h.terms.inactivity })
}

// silent tells people of a stream whose receiver takes nothing.
func (h *hub) silent(ctx context.Context, s *stream) error {
	n, oldest := h.line.Pending(pipeline.StreamQueue(h.name, s.ID))
	is := s.Status == enabled && n > 0 && h.now().Sub(oldest) >= h.terms.deadAfter
	h.mu.Lock()
	was := h.dead[s.ID]
	h.dead[s.ID] = is
	h.mu.Unlock()
	if !is || was {
		return nil
	}
	return h.tellDead(ctx, s, fmt.Sprintf("its receiver takes nothing, %s, the oldest since %s", waiting(n), oldest.UTC().Format(time.RFC3339)))
}

func waiting(n int) string {
	if n == 1 {
		return "1 SET waits"
	}
	return fmt.Sprintf("%d SETs wait", n)
}

func (h *hub) tellDead(ctx context.Context, s *stream, why string) error {
	return h.line.Note(ctx, pipeline.OperatorPart{
		Verb: pipeline.VerbStreamDead, By: "signalbox",
		Detail: fmt.Sprintf("%s of receiver %s at %s: %s", s.ID, s.Receiver, h.name, why),
	})
}

// shift changes the status by our own decision and tells the receiver in the same
// transaction (SSF-TX-60 to SSF-TX-62).
func (h *hub) shift(ctx context.Context, id, to, reason string, still func(*stream) bool) error {
	var shifted *stream
	err := h.change(ctx, func(tx store.Tx, add func(pipeline.Action)) error {
		shifted = nil
		s, err := h.load(tx, id)
		if err != nil || s == nil || s.Status == to || !still(s) {
			return err
		}
		s.Status, s.Reason = to, reason
		shifted = s
		if err := h.save(tx, s); err != nil {
			return err
		}
		return h.tellStatus(tx, s, add)
	})
	if err != nil || shifted == nil {
		return err
	}
	h.log.Warn("stream changed its status", "stream", id, "receiver", shifted.Receiver, "status", to, "reason", reason)
	return h.tellDead(ctx, shifted, to+", "+reason)
}
