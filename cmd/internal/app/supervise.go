package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// loops runs the long-lived parts of the product and starts one anew that
// returned an error, with growing pauses. The parts return their error and do
// not retry by themselves.
type loops struct {
	log      *slog.Logger
	restarts func(name string)

	mu     sync.Mutex
	broken map[string]string // loop name -> last error, while it waits for its next try
	wg     sync.WaitGroup
}

// Pauses between a fault and the next try.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 30 * time.Second
	goodRun    = time.Minute // a run this long makes the next pause short again
)

// start runs the loop until ctx ends.
func (l *loops) start(ctx context.Context, name string, run func(context.Context) error) {
	l.wg.Go(func() {
		pause := firstPause
		for ctx.Err() == nil {
			began := time.Now()
			err := run(ctx)
			if ctx.Err() != nil || err == nil {
				break
			}
			if time.Since(began) > goodRun {
				pause = firstPause
			}
			l.log.Error("loop failed, will be started again", "loop", name, "in", pause, "err", err)
			l.restarts(name)
			l.mark(name, err.Error())
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, lastPause)
			l.mark(name, "")
		}
	})
}

func (l *loops) mark(name, fault string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = map[string]string{}
	}
	if fault == "" {
		delete(l.broken, name)
	} else {
		l.broken[name] = fault
	}
}

// faults lists the loops that are down now.
func (l *loops) faults() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := make(map[string]string, len(l.broken))
	for k, v := range l.broken {
		m[k] = v
	}
	return m
}

// wait blocks until every loop has ended, for so many seconds at most. Time in
// which the whole machine stands still counts as one of them.
func (l *loops) wait(seconds int) error {
	done := make(chan struct{})
	go func() {
		l.wg.Wait()
		close(done)
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for range seconds {
		select {
		case <-done:
			return nil
		case <-tick.C:
		}
	}
	return fmt.Errorf("a part did not end within %d s", seconds)
}
