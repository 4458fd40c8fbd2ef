package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestCheckpointWhole takes checkpoints while workers commit: each holds every
// step acknowledged before, and only whole ones.
func TestCheckpointWhole(t *testing.T) {
	const workers = 4
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "data"), Options{}, vfs.Default)
	defer func() { _ = s.Close() }()
	var told [workers]atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := 1; ctx.Err() == nil; n++ {
				if err := step(context.WithoutCancel(ctx), s, w, n); err != nil {
					t.Error(err)
					return
				}
				told[w].Store(int64(n))
			}
		})
	}
	for i := range 3 {
		for s.Last() < uint64(100*(i+1)) {
			<-s.Changed()
		}
		before := map[int]int{}
		for w := range told {
			before[w] = int(told[w].Load())
		}
		to := filepath.Join(dir, fmt.Sprint("copy", i))
		if err := s.Checkpoint(to); err != nil {
			t.Fatal(err)
		}
		c, err := OpenReadOnly(to, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
		checkAcked(t, before, checkWhole(t, c))
		if err := step(t.Context(), c, 0, 1); !errors.Is(err, errReadOnly) {
			t.Errorf("a commit to a store open for reading: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	cancel()
	wg.Wait()
	if err := s.Checkpoint(filepath.Join(dir, "copy0")); err == nil {
		t.Error("a checkpoint over another one")
	}
}

func TestOpenReadOnlyNothing(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := OpenReadOnly(d, Options{}); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func TestStatsAndCompact(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{}, vfs.Default)
	for n := range 300 {
		if err := step(t.Context(), s, 0, n+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, reopened := range []bool{false, true} {
		st, err := s.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if st.Format != format || st.First != 1 || st.Last != 300 || st.FirstAt.IsZero() || st.LastAt.Before(st.FirstAt) ||
			st.Timers != 300 || st.NextTimer.Unix() != 1 || len(st.Queues) != 1 || st.Queues[0].Items != 300 || st.Cursors["c/own/0"] != 300 {
			t.Errorf("reopened %v: %+v", reopened, st)
		}
		for _, p := range st.Parts {
			if p.Bytes == 0 {
				t.Errorf("reopened %v: %s has no size", reopened, p.Name)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if !reopened {
			if s, err = OpenReadOnly(dir, Options{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDamage flips bytes in each file of the engine. Whatever the place, the
// damage is found by opening or reading, and the error names the file and what
// to do; or nothing is missing.
func TestDamage(t *testing.T) {
	const steps = 120
	origin := filepath.Join(t.TempDir(), "origin")
	s := mustOpen(t, origin, Options{}, vfs.Default)
	for n := range steps {
		if n == steps/2 {
			if err := s.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := step(t.Context(), s, 1, n+1); err != nil {
			t.Fatal(err)
		}
	}
	killed := filepath.Join(t.TempDir(), "killed") // with the log as a crash leaves it
	if err := s.Checkpoint(killed); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	for _, pattern := range []string{"*.sst", "*.blob", "*.log", "MANIFEST-*"} {
		for _, part := range []float64{0, 0.1, 0.37, 0.5, 0.8, 0.95} {
			t.Run(fmt.Sprint(pattern, part), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "store")
				if err := os.CopyFS(dir, os.DirFS(killed)); err != nil {
					t.Fatal(err)
				}
				name := damageOne(t, dir, pattern, part)
				if pattern == "*.blob" {
					name = "" // the engine only tells a number, or what it could not read
				}
				s, err := open(dir, Options{Log: quiet}, vfs.Default)
				if err == nil {
					defer func() { _ = s.Close() }()
					if err = s.Verify(t.Context(), nil); err == nil && s.Last() == steps {
						return // a place that holds nothing
					}
				}
				if err == nil {
					t.Fatalf("%d of %d steps are there and nothing is said", s.Last(), steps)
				}
				wantError(t, err, "is damaged", name, "signalbox restore")
			})
		}
	}
	t.Run("log removed", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "store")
		if err := os.CopyFS(dir, os.DirFS(killed)); err != nil {
			t.Fatal(err)
		}
		logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		for _, l := range logs {
			if err := os.Remove(l); err != nil {
				t.Fatal(err)
			}
		}
		_, err := open(dir, Options{Log: quiet}, vfs.Default)
		wantError(t, err, "no log file", "signalbox restore")
	})
}

// damageOne flips bits of eight bytes in the one file of the pattern that is
// not empty and returns its name.
func damageOne(t *testing.T, dir, pattern string, part float64) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			continue
		}
		at := int(part * float64(len(b)))
		for i := at; i < min(len(b), at+8); i++ {
			b[i] ^= 0x55
		}
		if err := os.WriteFile(f, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Base(f)
	}
	t.Fatalf("no file %s", pattern)
	return ""
}

// TestCutOffIsNoDamage cuts log and manifest at every kind of place a crash
// can: that is not taken for damage.
func TestCutOffIsNoDamage(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "data"), Options{}, vfs.Default)
	for n := range 60 {
		if err := step(t.Context(), s, 0, n+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Checkpoint(filepath.Join(dir, "copy")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	logs, _ := filepath.Glob(filepath.Join(dir, "copy", "*.log"))
	manifests, _ := filepath.Glob(filepath.Join(dir, "copy", "MANIFEST-*"))
	log, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile(manifests[0])
	if err != nil {
		t.Fatal(err)
	}
	var number uint32
	if _, err := fmt.Sscanf(filepath.Base(logs[0]), "%d.log", &number); err != nil {
		t.Fatal(err)
	}
	if at := firstBroken(log, true, number); at < len(log)-logBlock/2 {
		t.Fatalf("only %d of %d bytes of the log are understood", at, len(log))
	}
	if at := firstBroken(manifest, false, 0); at != len(manifest) {
		t.Fatalf("only %d of %d bytes of the manifest are understood", at, len(manifest))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := r.IntN(len(log))
		if at, broken := brokenLog(log[:n], number); broken {
			t.Errorf("log cut at %d: damaged at %d", n, at)
		}
		zeroed := append(log[:n:n], make([]byte, len(log)-n)...)
		if at, broken := brokenLog(zeroed, number); broken {
			t.Errorf("log zero from %d: damaged at %d", n, at)
		}
	}
	for n := range manifest {
		if at, broken := brokenManifest(manifest[:n]); broken {
			t.Errorf("manifest cut at %d: damaged at %d", n, at)
		}
	}
}

func FuzzLogCheck(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x01\x00\x09\x01\x00\x00\x00"))
	f.Add(make([]byte, 40_000))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, check := range []func([]byte) (int, bool){brokenManifest, func(b []byte) (int, bool) { return brokenLog(b, 1) }} {
			if at, _ := check(b); at < 0 || at > len(b) {
				t.Errorf("broken at %d of %d", at, len(b))
			}
		}
	})
}
