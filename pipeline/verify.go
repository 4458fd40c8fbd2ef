package pipeline

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// verify authenticates and normalizes all units on all cores.
func (b *batch) verify(ctx context.Context) {
	workers := min(runtime.GOMAXPROCS(0), (len(b.units)+7)/8)
	var next atomic.Int64
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(b.units) || ctx.Err() != nil {
				return
			}
			b.verifyUnit(ctx, b.units[i])
		}
	}
	if workers <= 1 {
		work()
		return
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(work)
	}
	wg.Wait()
}

// verifyUnit authenticates and normalizes one message. A panic is a fault of
// ours that a stranger's bytes found: it refuses the message and does not end
// the product.
func (b *batch) verifyUnit(ctx context.Context, u *unit) {
	defer func() {
		if r := recover(); r != nil {
			b.p.log.Error("panic while verifying a message", "source", u.msg.Source, "panic", r, "stack", string(debug.Stack()))
			u.events, u.retry = nil, nil
			u.reject = &RejectError{Code: InvalidRequest, Description: "the token cannot be processed"}
		}
	}()
	u.msg.digest() // here, on all cores, and known to the verifier's copy
	sig, err := b.gen.Verifier.Verify(ctx, u.msg)
	if err == nil {
		u.sig, u.chain = sig, sig.InputID
		if sig.Txn == "" {
			u.sig.Txn = "t-" + tail(sig.InputID)
		}
		if sig.Discard != "" {
			return
		}
		if b.watched {
			defer func(start time.Time) { b.obs.Took("normalize", 1, time.Since(start)) }(time.Now())
		}
		u.events, err = b.gen.Normalizer.Normalize(ctx, u.sig)
	}
	if err != nil {
		if !errors.As(err, &u.reject) {
			u.retry = err
		}
		return
	}
	u.remits = make([]string, len(u.events))
	for i := range u.events {
		e := &u.events[i]
		r := b.gen.compiled[e.Issuer]
		e.Stale = r != nil && r.MaxAge > 0 && e.Received.Sub(e.Time) > r.MaxAge
		if e.Assurance != event.Internal {
			u.remits[i] = r.outside(e)
			if b.gen.own[e.Issuer] {
				u.remits[i] = "own echo: issued by this product"
			}
		}
	}
}
