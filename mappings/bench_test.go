package mappings_test

import (
	"bytes"
	"cmp"
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
// Slices of both take turns, because the machine's speed moves, and the ratio is
// that of slices without others on the core: who shares one slows a mapping down
// more than a verification. The median is the ratio with all of them. A held block stands for the memory of a running product,
// without which the collector would run all the time; and as a running product
// has, the process has the pages that its heap grows to before anything is measured.
// The goal is a ratio of 1.5 for an alert of 3 KB. Of defender two messages are measured: "defender" is one
// alert, a record of one table enlarged to 3 KB as the others are;
// "defender-message" is what the product sends at once, 3 KB with five records of
// its tables, each of which is mapped by itself and from which four alerts come.
// That one costs a multiple, and events tells how many there are.
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
	grown(2 * benchHeap)
	set := shipped(b)
	for _, c := range benchCases(b, set.Names()) {
		b.Run(c.name, func(b *testing.B) {
			m, _ := set.Get(c.mapping)
			msg := c.message()
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
			c := compared(b.N, read, verify)
			b.ReportMetric(c.ratio, "verifications/record")
			b.ReportMetric(c.median, "median")
			b.ReportMetric(c.each.Seconds()*1e6, "µs/record")
			b.ReportMetric(c.allocs, "allocs/record")
			b.ReportMetric(float64(len(msg.Body)), "bytes")
			b.ReportMetric(float64(len(made)), "events")
		})
	}
}

// grown fills the heap with what is collected before the first run, so that its
// pages are there.
func grown(size int) {
	const part = 16 << 10
	var parts [][]byte
	for range size / part {
		parts = append(parts, bytes.Repeat([]byte{1}, part))
	}
	runtime.KeepAlive(parts)
}

// benchCase is one message to measure.
type benchCase struct {
	name    string // as it is reported
	mapping string
	record  []byte
}

func (c *benchCase) message() pipeline.Message {
	return pipeline.Message{Source: c.mapping, Sender: c.mapping, Mapping: c.mapping, Body: c.record, Received: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// benchCases are the typical goldens' records as they are sent, without the white
// space of a file, and enlarged by members that the mapping does not look at.
func benchCases(b *testing.B, mappings []string) []benchCase {
	var cases []benchCase
	for _, name := range mappings {
		text, err := os.ReadFile(filepath.Join("testdata", name, "typical.golden"))
		if err != nil {
			b.Fatal(err)
		}
		record, _, _ := bytes.Cut(text, []byte("\n---\n"))
		var sent bytes.Buffer
		if err := json.Compact(&sent, record); err != nil {
			b.Fatal(err)
		}
		record = sent.Bytes()
		end := "}"
		if name == "defender" {
			cases = append(cases, benchCase{"defender-message", name, enlarged(record, end)})
			record, end = oneAlert(b, record), "}}]}"
		}
		cases = append(cases, benchCase{name, name, enlarged(record, end)})
	}
	return cases
}

// oneAlert is a message of defender with the largest of its records alone, whose
// properties come last.
func oneAlert(b *testing.B, message []byte) []byte {
	var m struct {
		Records []json.RawMessage `json:"records"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		b.Fatal(err)
	}
	largest := slices.MaxFunc(m.Records, func(x, y json.RawMessage) int { return cmp.Compare(len(x), len(y)) })
	return slices.Concat([]byte(`{"records":[`), largest, []byte("]}"))
}

// enlarged gives the object that ends with end further members.
func enlarged(record []byte, end string) []byte {
	if len(record) >= benchRecord || !bytes.HasSuffix(record, []byte(end)) {
		return record
	}
	var more bytes.Buffer
	more.Write(record[:len(record)-len(end)])
	for i := 0; more.Len() < benchRecord; i++ {
		fmt.Fprintf(&more, `,"further_member_%d": "a text of usual length, %d"`, i, i)
	}
	more.WriteString(end)
	return more.Bytes()
}

// comparison is what two functions cost side by side.
type comparison struct {
	ratio  float64       // how often one call of b fits into one of a, of both the slices that had the core for themselves
	median float64       // the same as the median of neighbouring slices, whoever shares the core
	each   time.Duration // a call of a, as for ratio
	allocs float64       // of a call of a
}

// compared runs a n times in slices between slices of b. A slice that had the
// core for itself is the fastest but for one in twenty-five, which leaves out what
// luck did.
func compared(n int, a, b func()) (c comparison) {
	const slice = 10 // calls
	var ofA, ofB []time.Duration
	var ratios []float64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for len(ofA) == 0 || len(ofA)*slice < n {
		ofA, ofB = append(ofA, timed(slice, a)), append(ofB, timed(slice, b))
		ratios = append(ratios, float64(ofA[len(ofA)-1])/float64(ofB[len(ofB)-1]))
	}
	runtime.ReadMemStats(&after)
	slices.Sort(ofA)
	slices.Sort(ofB)
	slices.Sort(ratios)
	alone := len(ofA) / 25
	c.ratio, c.each = float64(ofA[alone])/float64(ofB[alone]), ofA[alone]/slice
	c.median = ratios[len(ratios)/2]
	c.allocs = float64(after.Mallocs-before.Mallocs)/float64(len(ofA)*slice) - verifyAllocs(b)
	return c
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
