package pipeline

import (
	"context"
	"sync"
)

// entrance counts who is inside and lets nobody in once it is closed. Its zero
// value is open.
type entrance struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// enter reports whether the caller may go in; it must leave then.
func (e *entrance) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.inside.Add(1)
	return true
}

func (e *entrance) leave() { e.inside.Done() }

// close waits for those inside until ctx ends.
func (e *entrance) close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	done := make(chan struct{})
	go func() {
		e.inside.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
