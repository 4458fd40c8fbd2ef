package policies

import (
	"context"
	"sync/atomic"
	"time"
)

// clockEvery is how many steps pass between two looks at the clock.
const clockEvery = 256

// budget bounds one document of one rule. The evaluator asks Cancelled once per
// expression; counting the questions gives a budget that is the same on every
// machine. It implements topdown.Cancel and is used by one goroutine.
type budget struct {
	ctx      context.Context
	limit    int
	deadline time.Time
	steps    int
	over     overrun
	cancel   atomic.Bool
}

type overrun int

const (
	within overrun = iota
	overSteps
	overClock
	overContext
)

// Cancel implements topdown.Cancel.
func (b *budget) Cancel() { b.cancel.Store(true) }

// Cancelled implements topdown.Cancel.
func (b *budget) Cancelled() bool {
	if b.over != within {
		return true
	}
	b.steps++
	switch {
	case b.steps > b.limit:
		b.over = overSteps
	case b.steps%clockEvery != 0:
	case b.ctx.Err() != nil:
		b.over = overContext
	case time.Now().After(b.deadline):
		b.over = overClock
	}
	return b.over != within || b.cancel.Load()
}
