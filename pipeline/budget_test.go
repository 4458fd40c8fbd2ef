package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// gauged is a store whose disk has as much room as it is told.
type gauged struct {
	store.Store
	free atomic.Int64
}

func (g *gauged) Usage() store.Usage {
	u := g.Store.Usage()
	u.DiskMin, u.DiskFree = 1000, g.free.Load()
	return u
}

// TestBudgetLevels: each level is told once, until the budget was well below
// it.
func TestBudgetLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gauged{Store: store.NewMemory(store.Options{}, store.Faults{})}
		r := newRig(t, g)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		var mu sync.Mutex
		var told []string
		tell := func(what ...string) (before []string) {
			mu.Lock()
			defer mu.Unlock()
			before, told = told, append(told, what...)
			if what == nil {
				told = nil
			}
			return before
		}
		g.free.Store(10_000)
		go func() {
			done <- r.WatchBudgets(ctx, nil, func(b pipeline.Budget, level int) { tell(fmt.Sprint(b.Name, level)) })
		}()
		verbs := func() (list []string) {
			for _, rec := range r.records() {
				list = append(list, rec.Operator.Verb)
			}
			return list
		}
		for _, step := range []struct {
			percent int64
			verb    string // told now
			level   string
		}{
			{10, "", ""}, {69, "", ""}, {71, pipeline.BudgetWarning, "disk70"}, {69, "", ""}, {71, "", ""}, {66, "", ""},
			{90, pipeline.BudgetWarning, "disk90"}, {86, "", ""}, {91, "", ""}, {84, "", ""}, {90, pipeline.BudgetWarning, "disk90"},
			{100, pipeline.BudgetExhausted, "disk100"}, {400, "", ""}, {96, "", ""},
			{94, pipeline.BudgetEased, ""}, {60, pipeline.BudgetEased, ""}, {64, "", ""}, {100, pipeline.BudgetExhausted, "disk100"},
		} {
			before := verbs()
			tell()
			g.free.Store(100_000 / step.percent)
			time.Sleep(time.Minute)
			now := verbs()[len(before):]
			if want := step.verb; want == "" && len(now) > 0 || want != "" && !slices.Equal(now, []string{want}) {
				t.Errorf("at %d %%: %v, want %q", step.percent, now, want)
			}
			levels := tell()
			if want := step.level; want == "" && len(levels) > 0 || want != "" && !slices.Equal(levels, []string{want}) {
				t.Errorf("at %d %%: told %v, want %q", step.percent, levels, want)
			}
		}
		last := r.records()[len(r.records())-1].Operator
		if last.Detail != "disk at 100 %: 1000 B must stay free and 1000 B are" || last.Comment == "" || last.By != "signalbox" || last.Budget != "disk" {
			t.Errorf("%+v", last)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestBudgets reads what is bounded and nothing else.
func TestBudgets(t *testing.T) {
	s := store.NewMemory(store.Options{MaxJournal: 1 << 20}, store.Faults{})
	err := store.Update(t.Context(), s, nil, func(tx store.Tx) error {
		for i := range 4 {
			tx.Append(store.Record{Data: make([]byte, 1<<17)})
			tx.Enqueue(store.Item{Queue: "app", ID: fmt.Sprint(i)})
		}
		tx.MoveCursor("index/soc", 3)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, b := range pipeline.Budgets(s, []string{"app", "idle"}, 5) {
		got[b.Name+b.Of] = b.Percent
		if b.AtLimit() == "" || b.String() == "" {
			t.Errorf("%s says nothing", b.Name)
		}
	}
	want := map[string]int{"journal": 50, "unindexed": 12, "pendingapp": 80, "pendingidle": 0}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 20 << 30: "20.0 GiB", 1 << 62: "4.0 EiB"} {
		if got := pipeline.Bytes(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}
