package store_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// BenchmarkBatch commits batches of 200 events, each a 2,000-byte journal record
// under one id, a seen mark that is looked up before, and 400 bytes of state of
// a subject drawn by Zipf's law from 100,000, read and written under its lock.
func BenchmarkBatch(b *testing.B) {
	for _, workers := range []int{1, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			s, err := store.Open(b.TempDir(), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			runBatches(b, s, workers, b.N)
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*batchSize), "µs/event")
			b.ReportMetric(0, "ns/op")
		})
	}
}

const batchSize = 200

func runBatches(b *testing.B, s store.Store, workers, batches int) {
	record := make([]byte, 2000)
	for i := range record {
		record[i] = byte(rand.IntN(64)) + ' ' // not a gift to the compressor
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range workers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(w)))
			zipf := rand.NewZipf(random, 1.1, 1, 100_000-1)
			for next.Add(1) <= int64(batches) {
				if err := commitBatch(b, s, random, zipf, record); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func commitBatch(b *testing.B, s store.Store, random *rand.Rand, zipf *rand.Zipf, record []byte) error {
	keys, ids := make([]string, batchSize), make([]string, batchSize)
	for i := range keys {
		keys[i] = fmt.Sprintf("u/%06d", zipf.Uint64())
		ids[i] = randomID(random)
	}
	return store.Update(b.Context(), s, keys, func(tx store.Tx) error {
		for i, key := range keys {
			if _, seen, err := tx.Seen(ids[i]); err != nil || seen {
				return fmt.Errorf("seen %v: %w", seen, err)
			}
			if _, _, err := tx.Get(key); err != nil {
				return err
			}
			tx.Put(key, record[:400])
			tx.MarkSeen(ids[i], store.Mark{Seq: tx.Append(store.Record{Data: record, IDs: ids[i : i+1]})})
		}
		return nil
	})
}

func randomID(random *rand.Rand) string {
	h := sha256.Sum256(binary.BigEndian.AppendUint64(nil, random.Uint64()))
	return fmt.Sprintf("i-%x", h[:13])
}

// BenchmarkSeenAbsent looks up ids that were not seen, beside a million marks in
// tables, spread over the given generations, in transactions of 200.
func BenchmarkSeenAbsent(b *testing.B) {
	for _, generations := range []int{1, 4} {
		b.Run(fmt.Sprintf("generations=%d", generations), func(b *testing.B) {
			now := time.Now()
			o := store.Options{SeenFor: 3 * time.Hour, Now: func() time.Time { return now }}
			s, err := store.Open(b.TempDir(), o)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			random := rand.New(rand.NewPCG(1, 2))
			for g := range generations {
				if g > 0 {
					now = now.Add(time.Hour)
				}
				for range 1_000_000 / generations / 2000 {
					err := store.Update(b.Context(), s, nil, func(tx store.Tx) error {
						for range 2000 {
							tx.MarkSeen(randomID(random), store.Mark{})
						}
						tx.Append(store.Record{Data: make([]byte, 2000)})
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ResetTimer()
			for n := 0; n < b.N; {
				tx, err := s.Begin(b.Context(), nil)
				if err != nil {
					b.Fatal(err)
				}
				for ; n < b.N && n%batchSize < batchSize-1; n++ {
					if _, seen, err := tx.Seen(randomID(random)); seen || err != nil {
						b.Fatal(seen, err)
					}
				}
				n++
				tx.Rollback()
			}
		})
	}
}

// BenchmarkClaim claims and finishes one item while 100,000 wait for a receiver
// that is away.
func BenchmarkClaim(b *testing.B) {
	s := store.NewMemory(store.Options{}, store.Faults{})
	now := time.Now()
	err := store.Update(b.Context(), s, nil, func(tx store.Tx) error {
		for i := range 100_000 {
			tx.Enqueue(store.Item{Queue: "q", ID: fmt.Sprint(i), Key: fmt.Sprint(i % 5000), NotBefore: now.Add(time.Hour)})
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for i := range b.N {
		id := fmt.Sprint("new", i)
		err := store.Update(b.Context(), s, nil, func(tx store.Tx) error {
			tx.Enqueue(store.Item{Queue: "q", ID: id, Key: id})
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		items, _, err := s.Claim(b.Context(), "q", 1, now, time.Minute)
		if err != nil || len(items) != 1 || items[0].ID != id {
			b.Fatalf("claimed %v: %v", items, err)
		}
		err = store.Update(b.Context(), s, nil, func(tx store.Tx) error {
			tx.Finish("q", id)
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
