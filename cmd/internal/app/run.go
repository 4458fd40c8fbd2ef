package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// startTime is how long Start waits for parts to be ready; not for one that
// failed.
const startTime = 5 * time.Second

// Start sets everything going and returns when the sources take signals and the
// streams of sinks answer their receivers, at the latest after about five seconds:
// what does not by then is told by readyz. The product runs until Stop.
func (a *App) Start(ctx context.Context) error {
	a.started = a.o.Now()
	base := context.WithoutCancel(ctx)
	var serving, work, intake context.Context
	serving, a.serving = context.WithCancel(base)
	work, a.work = context.WithCancel(base)
	intake, a.intake = context.WithCancel(work)
	for _, l := range []*listener{a.public, a.figures, a.admin} {
		if l != nil {
			a.loops.start(serving, "listener "+l.name, l.serve)
		}
	}
	for _, i := range a.indexes {
		a.loops.start(work, "index "+i.name, func(ctx context.Context) error {
			return a.line.Index(ctx, i.name, document.Deliveries, i.sink)
		})
	}
	for _, s := range a.sinks {
		a.loops.start(work, "sink "+s.name, func(ctx context.Context) error {
			return a.line.Deliver(ctx, s.name, s.sink)
		})
	}
	a.serveStreams(work)
	if err := a.follow(ctx, work); err != nil {
		return err
	}
	if err := a.notify(ctx, work); err != nil {
		return err
	}
	a.loops.start(work, "timers", a.line.Timers)
	if a.traces != nil {
		a.loops.start(serving, "traces", a.traces.Run)
	}
	a.loops.start(work, "housekeeping", a.line.Housekeeping)
	a.loops.start(work, "budgets", func(ctx context.Context) error {
		return a.line.WatchBudgets(ctx, sinkNames(a.cfg), a.metrics.budgetReached)
	})
	a.loops.start(work, "signing keys", a.settleKeys)
	a.loops.start(work, "policy watch", a.watchPolicies)
	for _, s := range a.sources {
		a.loops.start(intake, "source "+s.name, func(ctx context.Context) error {
			return s.source.Run(ctx, a.line)
		})
	}
	a.awaitParts(ctx)
	a.log.Info("started", "version", a.o.Version, "listen", a.Addr(), "policies", a.line.Revision())
	if on, err := a.line.Stopped(ctx); on && err == nil {
		a.log.Warn("actions are stopped since before this start: nothing leaves until signalbox stop-actions --resume")
	}
	return a.line.Note(ctx, pipeline.OperatorPart{Verb: "start", By: "signalbox", Detail: "version " + a.o.Version + ", policies " + a.line.Revision()})
}

// awaitParts counts its pauses: a machine that stood still has not waited.
func (a *App) awaitParts(ctx context.Context) {
	const pause = time.Millisecond
	left := startTime / pause
	for name, part := range a.parts() {
		for ; left > 0 && !part.Ready() && ctx.Err() == nil && a.loops.faults()[name] == ""; left-- {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
}

// readers are those whose places in the journal are known by name.
func (a *App) readers() (names []string) {
	for _, i := range a.indexes {
		names = append(names, i.name)
	}
	for _, f := range a.followers {
		names = append(names, f.name)
	}
	return names
}

// Settled waits until every action was handed over or failed for good and
// every index has taken everything, or ctx ends. Actions that wait for an
// operator do not count.
func (a *App) Settled(ctx context.Context) error {
	for {
		busy, before := false, a.store.Last()
		for _, s := range a.sinks {
			n, _ := a.store.Pending(s.name)
			busy = busy || n > 0
		}
		for _, name := range a.readers() {
			lag, err := a.line.Lag(ctx, name)
			if err != nil {
				return err
			}
			busy = busy || lag > 0
		}
		// What was taken may have queued what waited for it at a sink that was
		// looked at already; the journal tells.
		if !busy && a.store.Last() == before {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the intake, finishes what was received, gives deliveries and
// indexes until ctx ends to drain, and closes everything in reverse order. A
// second call, or an ended ctx, skips the drain; nothing acknowledged is lost
// by that, it goes on at the next start.
func (a *App) Stop(ctx context.Context) error {
	var err error
	a.stop.Do(func() {
		a.log.Info("stopping")
		if a.intake != nil {
			a.intake()
		}
		close(a.closing)
		a.public.shutdown(ctx)
		if cerr := a.line.Close(ctx); cerr != nil {
			a.log.Warn("stopped before everything received was finished", "err", cerr)
		}
		if derr := a.Settled(ctx); derr != nil {
			a.log.Info("stopped before everything was delivered; the rest goes out at the next start")
		}
		_ = a.line.Note(context.WithoutCancel(ctx), pipeline.OperatorPart{Verb: "stop", By: "signalbox"})
		for _, l := range []*listener{a.figures, a.admin} {
			if l != nil {
				l.shutdown(ctx)
			}
		}
		if a.work != nil {
			a.work()
			a.serving()
		}
		// The loops end within their connectors' time-outs; the store must not
		// close under them.
		if werr := a.loops.wait(10); werr != nil {
			err = fmt.Errorf("stop: %w", werr)
			return
		}
		err = a.close()
		a.log.Info("stopped")
	})
	return err
}

// close closes everything open, in reverse order.
func (a *App) close() error {
	for _, l := range []*listener{a.public, a.figures, a.admin} {
		if l != nil && l.net != nil {
			_ = l.net.Close()
		}
	}
	var errs []error
	for _, c := range slices.Backward(a.closers) {
		errs = append(errs, c())
	}
	a.closers = nil
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, net.ErrClosed) })...)
}
