package outbound

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// Lanes sends deliveries to one peer: those of different keys concurrently,
// those of one key one after the other, and never more at a time than its
// slots, all batches together. Safe for concurrent use.
type Lanes struct {
	slots chan struct{} // one element per delivery in flight
}

// NewLanes returns lanes with that many slots.
func NewLanes(inFlight int) *Lanes { return &Lanes{slots: make(chan struct{}, inFlight)} }

// ErrBehind is the result of a delivery whose predecessor did not arrive.
var ErrBehind = errors.New("waits for an earlier delivery of the same subject")

// Deliver sends every delivery of a batch by send and returns one result for
// each, in order. When one of a key is to be tried again, those after it wait
// as long.
func (l *Lanes) Deliver(ctx context.Context, batch []pipeline.Delivery, send func(context.Context, pipeline.Delivery) pipeline.Result) []pipeline.Result {
	results := make([]pipeline.Result, len(batch))
	var wg sync.WaitGroup
	for _, lane := range lanes(batch) {
		wg.Go(func() {
			blocked := time.Duration(-1)
			for _, i := range lane {
				if blocked >= 0 {
					results[i] = pipeline.Result{Err: ErrBehind, After: blocked}
					continue
				}
				results[i] = l.inSlot(ctx, batch[i], send)
				var final *pipeline.FinalError
				if err := results[i].Err; err != nil && !errors.As(err, &final) {
					blocked = results[i].After
				}
			}
		})
	}
	wg.Wait()
	return results
}

// inSlot sends once fewer than the bound are in flight.
func (l *Lanes) inSlot(ctx context.Context, d pipeline.Delivery, send func(context.Context, pipeline.Delivery) pipeline.Result) pipeline.Result {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return pipeline.Result{Err: fmt.Errorf("waits for its turn: %w", ctx.Err())}
	}
	defer func() { <-l.slots }()
	return send(ctx, d)
}

// lanes groups the indexes of deliveries by key, in order. Deliveries without a
// key have a lane each.
func lanes(batch []pipeline.Delivery) [][]int {
	byKey := make(map[string]int, len(batch))
	all := make([][]int, 0, len(batch))
	for i, d := range batch {
		n, ok := byKey[d.Key]
		if !ok || d.Key == "" {
			n = len(all)
			all = append(all, nil)
			byKey[d.Key] = n
		}
		all[n] = append(all[n], i)
	}
	return all
}
