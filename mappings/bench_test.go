package mappings_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// benchRecord is how large the records of the benchmark are at least, in bytes:
// as alerts are.
const benchRecord = 3 << 10

// benchHeap is what a running product holds anyway, in bytes.
const benchHeap = 64 << 20

// BenchmarkMappings measures what a record costs from its bytes to its events,
// for every mapping that comes with the program, and how often that fits into one
// verification of an RS256 signature (2048 bits) with the standard library.
// Slices of both take turns, because the machine's speed moves; ns/op are those
// of the median slice. A held block stands for the memory of a running product,
// without which the collector would run all the time. The goal is a ratio of 1.5
// for an alert of 3 KB. The record of defender is a message with five records of
// its tables, from which four alerts come: events tells how many there are.
func BenchmarkMappings(b *testing.B) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	d := sha256.Sum256([]byte("a token"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, d[:])
	if err != nil {
		b.Fatal(err)
	}
	verify := func() {
		if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, d[:], signature) != nil {
			b.Fatal("signature does not verify")
		}
	}
	held := make([]byte, benchHeap)
	defer runtime.KeepAlive(held)
	set := shipped(b)
	for _, name := range set.Names() {
		b.Run(name, func(b *testing.B) {
			m, _ := set.Get(name)
			msg := benchMessage(b, name)
			var made []event.Event
			read := func() {
				s, err := pipeline.Channels{}.Verify(context.Background(), msg)
				if err == nil {
					made, err = m.Normalize(context.Background(), s)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			read()
			b.ReportMetric(0, "ns/op")
			ratio, each, allocs := compared(b.N, read, verify)
			b.ReportMetric(ratio, "verifications/record")
			b.ReportMetric(each.Seconds()*1e6, "µs/record")
			b.ReportMetric(allocs, "allocs/record")
			b.ReportMetric(float64(len(msg.Body)), "bytes")
			b.ReportMetric(float64(len(made)), "events")
		})
	}
}

// benchMessage is the typical golden's record as it is sent, without the white
// space of a file, and enlarged by members that the mapping does not look at.
func benchMessage(b *testing.B, mapping string) pipeline.Message {
	text, err := os.ReadFile(filepath.Join("testdata", mapping, "typical.golden"))
	if err != nil {
		b.Fatal(err)
	}
	record, _, _ := bytes.Cut(text, []byte("\n---\n"))
	var sent bytes.Buffer
	if err := json.Compact(&sent, record); err != nil {
		b.Fatal(err)
	}
	record = sent.Bytes()
	if end := len(record) - 1; record[end] == '}' && len(record) < benchRecord {
		var more bytes.Buffer
		more.Write(record[:end])
		for i := 0; more.Len() < benchRecord; i++ {
			fmt.Fprintf(&more, `,"further_member_%d": "a text of usual length, %d"`, i, i)
		}
		record = append(more.Bytes(), '}')
	}
	return pipeline.Message{Source: mapping, Sender: mapping, Mapping: mapping, Body: record, Received: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// compared runs a n times in slices between slices of b, and gives the median
// of how often b fits into a, and a's median time and allocations.
func compared(n int, a, b func()) (ratio float64, each time.Duration, allocs float64) {
	const slice = 50 // calls
	var ratios []float64
	var times []time.Duration
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ran := 0
	for ran == 0 || ran < n {
		x := timed(slice, a)
		ran += slice
		ratios = append(ratios, float64(x)/float64(timed(slice, b)))
		times = append(times, x/slice)
	}
	runtime.ReadMemStats(&after)
	slices.Sort(ratios)
	slices.Sort(times)
	return ratios[len(ratios)/2], times[len(times)/2], float64(after.Mallocs-before.Mallocs)/float64(ran) - verifyAllocs(b)
}

func verifyAllocs(f func()) float64 { return testing.AllocsPerRun(10, f) }

// timed is the processor time of the process for n calls, where it can be told.
func timed(n int, f func()) time.Duration {
	from, begun := processTime(), time.Now()
	for range n {
		f()
	}
	if spent := processTime() - from; spent > 0 {
		return spent
	}
	return time.Since(begun)
}
