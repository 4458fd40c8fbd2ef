package kafka

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// ledger counts how often each record was brought to its outcome, by all members
// of a group together. It can hold the batch of one partition.
type ledger struct {
	mu      sync.Mutex
	done    map[string]int
	hold    string        // position of the record whose batch waits
	inside  chan struct{} // closed when it does
	release chan struct{}
}

func newLedger(hold string) *ledger {
	return &ledger{done: map[string]int{}, hold: hold, inside: make(chan struct{}), release: make(chan struct{})}
}

func (l *ledger) Handle(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
	for _, m := range msgs {
		l.mu.Lock()
		holds := l.hold != "" && m.Position == l.hold
		if holds {
			l.hold = ""
		}
		l.mu.Unlock()
		if holds {
			close(l.inside)
			select {
			case <-l.release:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	receipts := make([]pipeline.Receipt, len(msgs))
	for i, m := range msgs {
		l.done[m.Position]++
		receipts[i].Verdict = pipeline.Accepted
	}
	return receipts, nil
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.done)
}

// TestRebalanceInMidBatch: a member that comes while a batch is in hand gets the
// partition when the batch is done and its position committed; every record is
// handled once.
func TestRebalanceInMidBatch(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(4, "alerts"))
	const n = 300
	for p := range int32(4) {
		b.put(numbered("alerts", p, 0, n)...)
	}
	ledgers := []*ledger{newLedger("alerts/3@0"), newLedger("")}
	first := start(t, openSource(t, b.config()), ledgers[0])
	<-ledgers[0].inside
	second := start(t, openSource(t, b.config()), ledgers[1])
	await(t, "the group to give partitions anew", func() bool { return first.rebalances.Load() > 1 || second.rebalances.Load() > 0 })
	close(ledgers[0].release)
	for p := range int32(4) {
		b.awaitCommit("alerts", p, n)
		b.put(numbered("alerts", p, n, n)...)
	}
	await(t, "both members to have partitions", func() bool {
		a, c := first.Positions().Topics[0].Partitions, second.Positions().Topics[0].Partitions
		return a == 2 && c == 2
	})
	for p := range int32(4) {
		b.awaitCommit("alerts", p, 2*n)
	}
	first.stop()
	for p := range int32(4) {
		b.put(numbered("alerts", p, 2*n, n)...)
		b.awaitCommit("alerts", p, 3*n)
	}
	second.stop()
	for p := range 4 {
		for o := range 3 * n {
			at := fmt.Sprintf("alerts/%d@%d", p, o)
			if got := ledgers[0].done[at] + ledgers[1].done[at]; got != 1 {
				t.Errorf("%s was handled %d times", at, got)
			}
		}
	}
}

// TestCommitRefused: a position that the broker does not take is given again,
// and counted.
func TestCommitRefused(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.GroupAuthorizationFailed, Count: 1})
	b.put(numbered("alerts", 0, 0, 3)...)
	r := start(t, openSource(t, b.config()), newLedger(""))
	b.awaitCommit("alerts", 0, 3)
	if got := r.Positions(); got.CommitFailures != 1 || got.Topics[0].Topic != "alerts" || got.Topics[0].Partitions != 1 {
		t.Errorf("figures %+v", got)
	}
}
