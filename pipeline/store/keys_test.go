package store

import (
	"bytes"
	"math"
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	for _, want := range []time.Time{{}, time.Unix(0, 0), time.Unix(-5, 7), time.Unix(1<<32, 999_999_999)} {
		if got := readTime(appendTime(nil, want)); !got.Equal(want) || got.IsZero() != want.IsZero() {
			t.Errorf("%v comes back as %v", want, got)
		}
	}
}

func TestAfter(t *testing.T) {
	for prefix, want := range map[string]string{"d": "e", "da": "db", "d\xff": "e", "d\x00\xff\xff": "d\x01"} {
		if got := after([]byte(prefix)); string(got) != want {
			t.Errorf("after(%q) = %q, want %q", prefix, got, want)
		}
	}
}

func TestGenerations(t *testing.T) {
	const third = time.Hour
	at := func(h float64) time.Time { return time.Unix(0, 0).Add(time.Duration(h * float64(time.Hour))) }
	for _, test := range []struct {
		now        float64
		of, oldest uint32
	}{{-1, 0, 0}, {0, 0, 0}, {2.9, 2, 0}, {3, 3, 0}, {4, 4, 1}, {10.5, 10, 7}} {
		if got := generationOf(at(test.now), 3*third); got != test.of {
			t.Errorf("generation at %vh is %d, want %d", test.now, got, test.of)
		}
		if got := oldestLive(at(test.now), 3*third); got != test.oldest {
			t.Errorf("oldest live at %vh is %d, want %d", test.now, got, test.oldest)
		}
	}
}

// FuzzReadItem reads items as a damaged disk may hold them.
func FuzzReadItem(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(appendItem(nil, Item{}))
	f.Add(appendItem(nil, Item{Queue: "q", ID: "1", Key: "k", Attempt: math.MaxInt32, NotBefore: time.Unix(1, 2), Enqueued: time.Unix(3, 4)}))
	f.Add(append(make([]byte, 17), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01))
	f.Fuzz(func(t *testing.T, b []byte) {
		it, err := readItem(b)
		if err != nil {
			return
		}
		again, err := readItem(appendItem(nil, it))
		if err != nil || !bytes.Equal(appendItem(nil, it), appendItem(nil, again)) {
			t.Errorf("%+v comes back as %+v, %v", it, again, err)
		}
	})
}
