package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestLockTableWaits checks that waiters wait, that they are served in order,
// and that one who gives up leaves nothing behind.
func TestLockTableWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newLockTable()
		ctx := t.Context()
		if err := table.lock(ctx, "k"); err != nil {
			t.Fatal(err)
		}
		var waiters sync.WaitGroup
		var mu sync.Mutex
		var order []string
		note := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, what)
		}
		wait := func(ctx context.Context, name string) {
			waiters.Go(func() {
				if err := table.lock(ctx, "k"); err != nil {
					note(fmt.Sprint(name, " ", errors.Is(err, context.DeadlineExceeded)))
					return
				}
				note(name)
				time.Sleep(time.Second) // of the bubble's clock
				table.unlock("k")
			})
			synctest.Wait()
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		wait(ctx, "first")
		wait(short, "second")
		wait(ctx, "third")
		mu.Lock()
		if len(order) > 0 {
			t.Fatalf("%v did not wait", order)
		}
		mu.Unlock()
		time.Sleep(time.Second)
		table.unlock("k")
		waiters.Wait()
		if got := fmt.Sprint(order); got != "[second true first third]" {
			t.Errorf("the order was %s", got)
		}
		for i := range table.stripes {
			if n := len(table.stripes[i].held); n > 0 {
				t.Errorf("%d keys are still held", n)
			}
		}
	})
}

// TestLockTableHandOver lets a waiter give up at the moment it is served: the
// lock must come free whichever it saw first.
func TestLockTableHandOver(t *testing.T) {
	table := newLockTable()
	for range 1000 {
		if err := table.lock(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			if table.lock(ctx, "k") == nil {
				table.unlock("k")
			}
		}()
		go cancel()
		table.unlock("k")
		<-done
	}
	if err := table.lock(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
}
