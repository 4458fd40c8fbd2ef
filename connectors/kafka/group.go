package kafka

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// resume is called with partitions that were assigned and what the group
// committed of them. It says where each begins, from what the line remembers,
// and starts its worker.
func (r *run) resume(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	<-r.made
	topics := make([]string, 0, len(offsets))
	for topic := range offsets {
		topics = append(topics, topic)
	}
	if len(topics) == 0 {
		return offsets, nil
	}
	bounds, err := r.bounds(ctx, topics)
	if err != nil {
		return nil, fmt.Errorf("look up positions: %w", err)
	}
	for topic, partitions := range offsets {
		how := r.rule(topic)
		if how == nil {
			return nil, fmt.Errorf("topic %s was assigned and is not configured", topic)
		}
		for partition, committed := range partitions {
			p := place{topic, partition}
			at, err := r.begin(ctx, p, how, bounds, committed.EpochOffset().Offset)
			if err != nil {
				r.fail(err)
				return nil, err
			}
			partitions[partition] = kgo.NewOffset().At(at)
		}
	}
	return offsets, nil
}

// bounds is where the logs of topics begin and end, and the topics' ids.
type bounds struct {
	first, end kadm.ListedOffsets
	topics     kadm.TopicDetails
}

func (r *run) bounds(ctx context.Context, topics []string) (b bounds, err error) {
	if b.first, err = r.admin.ListStartOffsets(ctx, topics...); err != nil {
		return b, err
	}
	if b.end, err = r.admin.ListEndOffsets(ctx, topics...); err != nil {
		return b, err
	}
	m, err := r.admin.Metadata(ctx, topics...)
	b.topics = m.Topics
	return b, err
}

// begin finds where a partition goes on, and starts its worker there.
func (r *run) begin(ctx context.Context, p place, how *rule, b bounds, committed int64) (int64, error) {
	first, ok1 := b.first.Lookup(p.topic, p.partition)
	end, ok2 := b.end.Lookup(p.topic, p.partition)
	if !ok1 || !ok2 || first.Err != nil || end.Err != nil {
		return 0, fmt.Errorf("positions of %s/%d are not known now: %w", p.topic, p.partition, cmp.Or(first.Err, end.Err, errUnlisted))
	}
	name := partitionName(p, b.topics[p.topic].ID)
	start := committed
	switch {
	case committed >= 0:
		start = min(max(committed, first.Offset), end.Offset)
	case r.src.start == "latest":
		start = end.Offset
	default:
		start = first.Offset
	}
	at := start
	if m, ok := r.line.(pipeline.Resumer); ok {
		var err error
		if at, err = m.Resume(ctx, r.src.name, name, start); err != nil {
			return 0, err
		}
	}
	if at > end.Offset {
		return 0, fmt.Errorf("%s/%d ends at %d, but %d was read already: the broker lost records that it had acknowledged; "+
			"rename the source to go on from the end of the log under a new name", p.topic, p.partition, end.Offset, at)
	}
	from := at // what the group did beyond is not there for us any more
	if committed > at {
		at = min(committed, end.Offset)
	}
	if at < first.Offset {
		r.src.log.Error("records were deleted at the broker before they were read: its retention is shorter than we were behind",
			"topic", p.topic, "partition", p.partition, "records", first.Offset-at)
		at = first.Offset
	}
	r.assign(p, how, name, at, from, committed)
	return at, nil
}

var errUnlisted = errors.New("the broker did not list them")

// partitionName names a log for ever: a topic that is made again has another id.
func partitionName(p place, id kadm.TopicID) string {
	return fmt.Sprintf("%s/%s/%d", p.topic, hex.EncodeToString(id[:]), p.partition)
}

func (r *run) assign(p place, how *rule, name string, at, from, committed int64) {
	r.mu.Lock()
	old := r.workers[p]
	r.mu.Unlock()
	if old != nil { // positions were fetched again before anything was read
		old.stop(finishTime)
	}
	w := newWorker(r, p, how, name, at, from, committed)
	r.client.ResumeFetchPartitions(w.partitions()) // it may have been paused when it was here before
	r.mu.Lock()
	r.workers[p] = w
	r.assigned.Store(int64(len(r.workers)))
	r.mu.Unlock()
	if at > committed {
		r.dirty()
	}
}

func (r *run) rule(topic string) *rule {
	for i := range r.src.rules {
		if how := &r.src.rules[i]; how.expr.MatchString(topic) && (how.exact || !internal(topic)) {
			return how
		}
	}
	return nil
}

// revoked finishes the work on partitions that go to somebody else, and commits
// how far it came.
func (r *run) revoked(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	<-r.made
	gone := r.stop(lost, finishTime)
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	r.commit(ctx, gone)
}

// lost ends the work on partitions that are somebody else's already: nothing
// can be committed any more.
func (r *run) lost(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	r.joined.Store(false)
	if gone := r.stop(lost, finishTime/4); len(gone) > 0 {
		r.src.log.Warn("partitions were taken away by the group: another member may repeat what was done last", "partitions", len(gone))
	}
}

// stop ends the workers of partitions, of all if nil, together.
func (r *run) stop(partitions map[string][]int32, within time.Duration) (gone []*worker) {
	r.mu.Lock()
	for p, w := range r.workers {
		if partitions == nil || slices.Contains(partitions[p.topic], p.partition) {
			gone = append(gone, w)
		}
	}
	r.mu.Unlock()
	var wg sync.WaitGroup
	for _, w := range gone {
		wg.Go(func() { w.stop(within) })
	}
	wg.Wait()
	if partitions == nil {
		return gone // the last revocation takes them out, and commits
	}
	r.mu.Lock()
	for _, w := range gone {
		delete(r.workers, w.place)
	}
	r.assigned.Store(int64(len(r.workers)))
	r.mu.Unlock()
	return gone
}

// dirty says that there are positions to tell the broker.
func (r *run) dirty() {
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// commits tells the broker positions as they move on, not more often than it
// makes sense.
func (r *run) commits() {
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-r.news:
		}
		ctx, cancel := context.WithTimeout(r.ctx, commitTime)
		r.commit(ctx, nil)
		cancel()
		select {
		case <-r.ctx.Done():
			return
		case <-time.After(commitEvery):
		}
	}
}

// commit tells the broker how far partitions are done; nil is all that are here
// now. Commits follow each other, so none overtakes a later one.
func (r *run) commit(ctx context.Context, workers []*worker) {
	r.commitMu.Lock()
	defer r.commitMu.Unlock()
	if workers == nil {
		workers = r.all()
	}
	offsets := map[string]map[int32]kgo.EpochOffset{}
	told := map[place]*worker{}
	for _, w := range workers {
		at, epoch, news := w.position()
		if !news {
			continue
		}
		if offsets[w.place.topic] == nil {
			offsets[w.place.topic] = map[int32]kgo.EpochOffset{}
		}
		offsets[w.place.topic][w.place.partition] = kgo.EpochOffset{Epoch: epoch, Offset: at}
		told[w.place] = w
	}
	if len(told) == 0 {
		return
	}
	r.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed := err
		if err == nil {
			for _, t := range resp.Topics {
				for _, p := range t.Partitions {
					if e := kerr.ErrorForCode(p.ErrorCode); e != nil {
						failed = e
					} else if w := told[place{t.Topic, p.Partition}]; w != nil {
						w.told(offsets[t.Topic][p.Partition].Offset)
					}
				}
			}
		}
		if failed != nil && r.ctx.Err() == nil {
			r.src.commitFailures.Add(1)
			r.src.log.Warn("position was not committed, will be tried again", "err", advise(failed))
			time.AfterFunc(time.Second, r.dirty)
		}
	})
}
