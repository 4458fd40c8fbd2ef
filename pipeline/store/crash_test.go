package store

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestPowerLoss takes what a disk may hold after the power fails, at moments
// while workers commit: with none, some or all of what was not synced. Every
// acknowledged step must be whole, and so must every other that is there.
func TestPowerLoss(t *testing.T) {
	const workers = 4
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			files := vfs.NewCrashableMem()
			s, err := open("data", Options{}, files)
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			told := map[int]int{}
			acked := func() int {
				mu.Lock()
				defer mu.Unlock()
				n := 0
				for _, v := range told {
					n += v
				}
				return n
			}
			random := rand.New(rand.NewPCG(seed, 0))
			moment := 1 + random.IntN(200)
			reached, stop := make(chan struct{}), make(chan struct{})
			var once sync.Once
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					for n := 1; ; n++ {
						select {
						case <-stop:
							return
						default:
						}
						if err := step(t.Context(), s, w, n); err != nil {
							t.Errorf("step %s: %v", stepID(w, n), err)
							once.Do(func() { close(reached) })
							return
						}
						mu.Lock()
						told[w] = n
						mu.Unlock()
						if n%20 == 0 && w == 0 {
							if err := s.db.Flush(); err != nil {
								t.Error(err)
							}
						}
						if acked() >= moment {
							once.Do(func() { close(reached) })
						}
					}
				})
			}
			<-reached
			shown := max(s.Last(), sharedCount(t, s))
			mu.Lock()
			before := maps.Clone(told)
			mu.Unlock()
			crashed := files.CrashClone(vfs.CrashCloneCfg{
				UnsyncedDataPercent: []int{0, 50, 100}[seed%3],
				RNG:                 rand.New(rand.NewPCG(seed, 1)),
			})
			close(stop)
			wg.Wait()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			s, err = open("data", Options{}, crashed)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			checkAcked(t, before, checkWhole(t, s))
			if s.Last() < shown {
				t.Errorf("%d steps were shown and %d are there", shown, s.Last())
			}
		})
	}
}

// sharedCount reads the shared count in a transaction that ends well, which
// promises that what it read stays.
func sharedCount(t *testing.T, s Store) (n uint64) {
	t.Helper()
	err := Update(t.Context(), s, nil, func(tx Tx) error {
		v, _, err := tx.Get("shared")
		if len(v) == 8 {
			n = binary.BigEndian.Uint64(v)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

func checkAcked(t *testing.T, told, done map[int]int) {
	t.Helper()
	for w, n := range told {
		if done[w] < n {
			t.Errorf("worker %d was told of %d steps and %d are there", w, n, done[w])
		}
	}
}

// killDir tells the test binary to be the victim of TestKill and where.
const killDir = "SIGNALBOX_TEST_STORE_KILL_DIR"

// TestKill kills a process that commits, again and again over the same
// directory.
func TestKill(t *testing.T) {
	if dir := os.Getenv(killDir); dir != "" {
		victim(t, dir)
		return
	}
	dir := t.TempDir()
	told, done := map[int]int{}, map[int]int{}
	for range 5 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), killDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := 1 + rand.IntN(300)
		lines := bufio.NewScanner(out)
		for n := 1; lines.Scan(); n++ {
			var w, step int
			if _, err := fmt.Sscanf(lines.Text(), "w%d/%d", &w, &step); err != nil {
				t.Fatalf("the victim says %q", lines.Text())
			}
			told[w] = max(told[w], step)
			if n == kill {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the victim ended by itself")
		}
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		done = checkWhole(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		checkAcked(t, told, done)
		if t.Failed() {
			return
		}
	}
	t.Logf("steps acknowledged %v, there %v", told, done)
}

// victim commits steps from where the store is and prints each one it was told
// of, until it is killed.
func victim(t *testing.T, dir string) {
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	done := map[int]int{}
	err = s.Journal(ctx, 0, func(_ uint64, data []byte) bool {
		var w, n int
		if _, err := fmt.Sscanf(string(data), "w%d/%d", &w, &n); err != nil {
			t.Fatal(err)
		}
		done[w] = n
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		n := done[w]
		wg.Go(func() {
			for end := time.Now().Add(time.Minute); time.Now().Before(end); {
				n++
				if err := step(ctx, s, w, n); err != nil {
					t.Error(err)
					return
				}
				fmt.Println(stepID(w, n))
			}
		})
	}
	wg.Wait()
}
