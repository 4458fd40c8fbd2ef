package push

import (
	"math"
	"path"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
)

// Bounds are what peers may ask of an endpoint.
type Bounds struct {
	MaxBytes    int           // longest body; 65536
	MaxInFlight int           // requests at a time; 1024
	Rate        float64       // requests per second, over time; no limit
	Burst       int           // requests at once within the rate; one second's worth
	ReadTimeout time.Duration // for the body; 10s
}

// Fill returns the bounds with the defaults filled in, and what is out of range
// by the names of the configuration: max_bytes, max_in_flight, rate, burst and
// read_timeout, after the prefix.
func (b Bounds) Fill(prefix string) (Bounds, []kind.FieldError) {
	var problems kind.Problems
	note := problems.Note
	rated := b.Rate != 0
	var f *kind.FieldError
	b.MaxBytes, f = kind.Between(prefix+"max_bytes", b.MaxBytes, 64<<10, 1024, 4<<20)
	note(f)
	b.MaxInFlight, f = kind.Between(prefix+"max_in_flight", b.MaxInFlight, 1024, 1, 1<<16)
	note(f)
	b.ReadTimeout, f = kind.Between(prefix+"read_timeout", b.ReadTimeout, 10*time.Second, 100*time.Millisecond, 5*time.Minute)
	note(f)
	if math.IsNaN(b.Rate) || b.Rate < 0 || b.Rate > 1e6 {
		problems.Add(prefix+"rate", "out of range", "Give requests per second, at most 1000000; without it there is no limit.")
		b.Rate = 0
	}
	if b.Burst != 0 && !rated {
		problems.Add(prefix+"burst", "burst without a rate", "Add rate = ..., in requests per second, or remove burst.")
	}
	b.Burst, f = kind.Between(prefix+"burst", b.Burst, max(1, int(b.Rate)), 1, 1e6)
	note(f)
	return b, problems
}

// PlainPath reports whether p is an absolute, clean path that a net/http
// pattern takes literally.
func PlainPath(p string) bool {
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p &&
		!strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("{}?#%", r) })
}
