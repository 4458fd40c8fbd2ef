package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// Mood is how a target takes what comes.
type Mood int

// The moods.
const (
	Willing Mood = iota // takes everything
	Busy                // takes nothing now
	Hostile             // takes nothing ever
)

// Target is what a sink under test delivers to, as TestSink sees it.
type Target interface {
	// Taken returns the payloads taken so far, in order, repeats included.
	Taken() []string

	// Become sets the mood; false means that the target cannot be so.
	Become(Mood) bool
}

// TestSink checks that a sink keeps the contract of pipeline.Sink. Make returns
// a fresh sink and its target; it registers its own clean-up. Payloads are JSON
// objects or single words.
func TestSink(t *testing.T, make func(t *testing.T) (pipeline.Sink, Target)) {
	for name, test := range map[string]func(*testing.T, pipeline.Sink, Target){
		"Empty":          deliversNothing,
		"Batch":          deliversBatch,
		"OrderPerKey":    keepsOrder,
		"Repeat":         bearsRepeats,
		"Busy":           triesAgain,
		"BusyKeepsOrder": keepsOrderWhenBusy,
		"Final":          givesUp,
		"Cancelled":      heedsCancel,
	} {
		t.Run(name, func(t *testing.T) {
			sink, target := make(t)
			test(t, sink, target)
		})
	}
}

// delivery makes the n-th delivery for a key.
func delivery(key string, n int) pipeline.Delivery {
	id := fmt.Sprintf("a-%s-%03d", key, n)
	return pipeline.Delivery{ID: id, Key: "email:" + key + "@example.com", Kind: "action", Payload: []byte("payload-" + id), Attempt: 1}
}

func payloads(batch []pipeline.Delivery) []string {
	list := make([]string, len(batch))
	for i, d := range batch {
		list[i] = string(d.Payload)
	}
	return list
}

// handOver delivers and fails the test when the sink breaks the form of its answer.
func handOver(t *testing.T, sink pipeline.Sink, batch []pipeline.Delivery) []pipeline.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	results, err := sink.Deliver(ctx, batch)
	if err != nil {
		t.Fatalf("Deliver: %v", err)
	}
	if len(results) != len(batch) {
		t.Fatalf("%d results for %d deliveries", len(results), len(batch))
	}
	return results
}

// mustTake fails the test unless every delivery was taken.
func mustTake(t *testing.T, sink pipeline.Sink, batch []pipeline.Delivery) {
	t.Helper()
	for i, r := range handOver(t, sink, batch) {
		if r.Err != nil {
			t.Errorf("%s: %v", batch[i].ID, r.Err)
		}
	}
}

func deliversNothing(t *testing.T, sink pipeline.Sink, target Target) {
	handOver(t, sink, nil)
	if got := target.Taken(); len(got) != 0 {
		t.Errorf("target has %q after an empty batch", got)
	}
}

func deliversBatch(t *testing.T, sink pipeline.Sink, target Target) {
	var batch []pipeline.Delivery
	for i := range 60 {
		batch = append(batch, delivery(fmt.Sprintf("user%02d", i), 0))
	}
	mustTake(t, sink, batch)
	got, want := target.Taken(), payloads(batch)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("target has %q, want %q", got, want)
	}
}

func keepsOrder(t *testing.T, sink pipeline.Sink, target Target) {
	var batch []pipeline.Delivery
	for n := range 10 {
		for _, key := range []string{"jane", "joe", "kim"} {
			batch = append(batch, delivery(key, n))
		}
	}
	mustTake(t, sink, batch)
	for _, key := range []string{"jane", "joe", "kim"} {
		var got []string
		for _, p := range target.Taken() {
			if strings.Contains(p, "-"+key+"-") {
				got = append(got, p)
			}
		}
		if len(got) != 10 || !slices.IsSorted(got) {
			t.Errorf("of %s the target has %q", key, got)
		}
	}
}

// bearsRepeats: a repeat is taken without complaint, and what arrives twice is
// the same to the byte.
func bearsRepeats(t *testing.T, sink pipeline.Sink, target Target) {
	d := delivery("jane", 0)
	mustTake(t, sink, []pipeline.Delivery{d})
	d.Attempt = 2
	mustTake(t, sink, []pipeline.Delivery{d})
	got := target.Taken()
	if len(got) == 0 || slices.ContainsFunc(got, func(p string) bool { return p != string(d.Payload) }) {
		t.Errorf("target has %q, want only %q", got, d.Payload)
	}
}

func become(t *testing.T, target Target, m Mood) {
	t.Helper()
	if !target.Become(m) {
		t.Skip("the target cannot refuse in this way")
	}
}

func triesAgain(t *testing.T, sink pipeline.Sink, target Target) {
	become(t, target, Busy)
	d := []pipeline.Delivery{delivery("jane", 0)}
	r := handOver(t, sink, d)[0]
	if r.Err == nil {
		t.Fatal("a delivery that was not taken was reported as taken")
	}
	if errors.As(r.Err, new(*pipeline.FinalError)) {
		t.Fatalf("a busy target made the delivery fail for good: %v", r.Err)
	}
	become(t, target, Willing)
	mustTake(t, sink, d)
	if got := target.Taken(); !slices.Equal(got, payloads(d)) {
		t.Errorf("target has %q", got)
	}
}

// keepsOrderWhenBusy: when one of a key must be tried again, none after it may
// have arrived.
func keepsOrderWhenBusy(t *testing.T, sink pipeline.Sink, target Target) {
	become(t, target, Busy)
	batch := []pipeline.Delivery{delivery("jane", 0), delivery("jane", 1), delivery("jane", 2)}
	for i, r := range handOver(t, sink, batch) {
		if r.Err == nil || errors.As(r.Err, new(*pipeline.FinalError)) {
			t.Errorf("%s: result %v, want to be tried again", batch[i].ID, r.Err)
		}
	}
	become(t, target, Willing)
	mustTake(t, sink, batch)
	if got := target.Taken(); !slices.Equal(got, payloads(batch)) {
		t.Errorf("target has %q", got)
	}
}

func givesUp(t *testing.T, sink pipeline.Sink, target Target) {
	become(t, target, Hostile)
	batch := []pipeline.Delivery{delivery("jane", 0), delivery("jane", 1)}
	for i, r := range handOver(t, sink, batch) {
		var final *pipeline.FinalError
		if !errors.As(r.Err, &final) || final.Code == "" {
			t.Errorf("%s: result %v, want a final error with a code", batch[i].ID, r.Err)
		}
	}
}

func heedsCancel(t *testing.T, sink pipeline.Sink, target Target) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan struct{})
	batch := []pipeline.Delivery{delivery("jane", 0), delivery("joe", 0)}
	go func() {
		defer close(done)
		results, err := sink.Deliver(ctx, batch)
		if err == nil && len(results) != len(batch) {
			t.Errorf("%d results for %d deliveries", len(results), len(batch))
		}
		for i, r := range results {
			if r.Err == nil && !slices.Contains(target.Taken(), string(batch[i].Payload)) {
				t.Errorf("%s was reported as taken and is not there", batch[i].ID)
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(Patience):
		t.Fatal("Deliver did not return after its context ended")
	}
}
