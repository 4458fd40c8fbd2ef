package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// shelf is an index that keeps documents by id and can be emptied.
type shelf struct {
	mu sync.Mutex
	shelved
}

// shelved is what a shelf holds.
type shelved struct {
	docs    map[string]string
	taken   int
	rooms   []time.Time // what Rebuild was asked for
	balks   int         // how often Rebuild fails first
	refuses bool
}

func (s *shelf) Deliver(_ context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses {
		return nil, errors.New("no")
	}
	for _, d := range batch {
		s.docs[d.Kind+d.ID] = string(d.Payload)
		s.taken++
	}
	return make([]pipeline.Result, len(batch)), nil
}

func (s *shelf) Rebuild(_ context.Context, from time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.balks > 0 {
		s.balks--
		return errors.New("disk is busy")
	}
	s.rooms = append(s.rooms, from)
	clear(s.docs)
	return nil
}

// see is what the shelf holds now.
func (s *shelf) see() shelved {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.shelved
	now.docs, now.rooms = maps.Clone(s.docs), slices.Clone(s.rooms)
	return now
}

// set changes the shelf under its lock.
func (s *shelf) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// TestRebuild gives an index everything again after it made room, once, while
// messages come in, and across restarts of its loop.
func TestRebuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, store.NewMemory(store.Options{}, store.Faults{}))
		s := &shelf{shelved: shelved{docs: map[string]string{}, balks: 1}}
		stop := r.index("soc", render, s)
		for i := range 3 {
			r.accept(r.revoked(fmt.Sprint("t", i), "email:jane@example.com"))
		}
		time.Sleep(time.Second)
		before := len(s.see().docs)
		if before == 0 {
			t.Fatal("nothing was taken")
		}
		s.set(func() { s.docs["wrong"] = "left over" })
		if err := r.Rebuild(t.Context(), "soc", "ana"); err != nil {
			t.Fatal(err)
		}
		r.accept(r.revoked("t-new", "email:omar@example.com"))
		time.Sleep(2 * time.Minute)
		if now := s.see(); len(now.rooms) != 1 || !now.rooms[0].IsZero() || now.docs["wrong"] != "" {
			t.Errorf("room was made %v, left over: %q", now.rooms, now.docs["wrong"])
		}
		if n, docs := len(r.records()), s.see().docs; len(docs) < n || docs["record1"] == "" || docs[fmt.Sprint("record", n)] == "" {
			t.Errorf("%d documents of %d records", len(docs), n)
		}
		if lag, err := r.Lag(t.Context(), "soc"); lag != 0 || err != nil {
			t.Errorf("lag %d, %v", lag, err)
		}

		// While the index is down, a rebuild is asked for and its loop restarts.
		s.set(func() { s.refuses = true })
		if err := r.Rebuild(t.Context(), "soc", "ana"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if lag, err := r.Lag(t.Context(), "soc"); lag != uint64(len(r.records())) || err != nil {
			t.Errorf("lag %d during the rebuild of %d records, %v", lag, len(r.records()), err)
		}
		if c := r.store.Cursors()["index/soc"]; c == 0 {
			t.Error("a rebuild makes the journal keep everything")
		}
		stop()
		s.set(func() { s.refuses = false })
		defer r.index("soc", render, s)()
		time.Sleep(2 * time.Minute)
		if lag, err := r.Lag(t.Context(), "soc"); lag != 0 || err != nil || s.see().docs["record1"] == "" {
			t.Errorf("after the restart: lag %d, %v", lag, err)
		}
		time.Sleep(time.Hour)
		taken := s.see().taken
		time.Sleep(time.Hour)
		if s.see().taken != taken {
			t.Error("it goes on for ever")
		}
	})
}

// TestRebuildOfWhatIsLeft: with a trimmed journal only what will come again has
// to make room.
func TestRebuildOfWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.TempDir(), store.Options{Keep: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = st.Close() }()
		r := newRig(t, st)
		s := &shelf{shelved: shelved{docs: map[string]string{}}}
		stop := r.index("soc", render, s)
		r.accept(r.revoked("t1", "email:jane@example.com"))
		time.Sleep(2 * time.Hour)
		began := time.Now()
		r.accept(r.revoked("t2", "email:jane@example.com"))
		time.Sleep(time.Second)
		if err := st.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Rebuild(t.Context(), "soc", "ana"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		stop()
		if rooms := s.see().rooms; len(rooms) != 1 || rooms[0].Before(began) {
			t.Errorf("room was made from %v, the journal begins after %v", rooms, began)
		}
		if lag, err := r.Lag(t.Context(), "soc"); lag != 0 || err != nil {
			t.Errorf("lag %d, %v", lag, err)
		}
	})
}

// TestRebuildWithoutRoom: an index that keeps documents by id takes them again.
func TestRebuildWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, store.NewMemory(store.Options{}, store.Faults{}))
		o := new(pipelinetest.Outlet)
		defer r.index("soc", render, o)()
		r.accept(r.revoked("t1", "email:jane@example.com"))
		time.Sleep(time.Second)
		n := len(o.Taken())
		if err := r.Rebuild(t.Context(), "soc", "ana"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := len(o.Taken()); got <= n+1 {
			t.Errorf("%d documents, then %d", n, got)
		}
		r.indexed(o, true)
	})
}
