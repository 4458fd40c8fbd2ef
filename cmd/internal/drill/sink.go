package drill

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/ssf/transmitter"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// recorder is the sink of one drill: it makes and signs tokens as the sink "ssf"
// does and keeps what would be sent. It is an Observer, too, and so learns when
// each station was done.
type recorder struct {
	pipeline.Blind
	signs pipeline.Preparer

	mu      sync.Mutex
	took    map[string]time.Duration
	signed  time.Duration // spent on signing, all tries
	tokens  map[string][]byte
	arrived time.Time
	status  pipeline.Status // the action's last
	news    chan struct{}   // closed and renewed with every change
}

var (
	_ pipeline.Sink     = (*recorder)(nil)
	_ pipeline.Preparer = (*recorder)(nil)
	_ pipeline.Observer = (*recorder)(nil)
)

// newRecorder opens a sink "ssf" for the sake of its signing.
func newRecorder(l Line) (*recorder, error) {
	c := &transmitter.Config{
		Issuer: Issuer, Audience: []string{Issuer},
		Push: &transmitter.Push{Endpoint: "https://drill.invalid/"}, // never called
	}
	sink, err := c.Open(kind.Env{Name: Name, Now: l.Now, Signer: func(string) (kind.Signer, error) {
		return l.Keys.Signer(algorithm(l.Keys.JWKS()))
	}})
	if err != nil {
		return nil, fmt.Errorf("drill: open its sink: %w", err)
	}
	signs, ok := sink.(pipeline.Preparer)
	if !ok {
		return nil, fmt.Errorf("drill: the sink %T does not sign", sink)
	}
	return &recorder{signs: signs, took: map[string]time.Duration{}, tokens: map[string][]byte{}, news: make(chan struct{})}, nil
}

// algorithm is one of which the product has a key: a drill makes none.
func algorithm(jwks []byte) string {
	var list struct {
		Keys []struct {
			Algorithm string `json:"alg"`
		} `json:"keys"`
	}
	if json.Unmarshal(jwks, &list) != nil || len(list.Keys) == 0 {
		return jose.DefaultSigning
	}
	for _, k := range list.Keys {
		if k.Algorithm == jose.DefaultSigning {
			return k.Algorithm
		}
	}
	return list.Keys[0].Algorithm
}

// Prepare implements pipeline.Preparer.
func (r *recorder) Prepare(ctx context.Context, o pipeline.Order) ([]byte, error) {
	start := time.Now()
	token, err := r.signs.Prepare(ctx, o)
	r.change(func() { r.signed += time.Since(start) })
	return token, err
}

// Deliver implements pipeline.Sink.
func (r *recorder) Deliver(_ context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	r.change(func() {
		for _, d := range batch {
			id, _, _ := strings.Cut(d.ID, "/")
			r.tokens[id] = d.Payload
		}
		r.arrived = time.Now()
	})
	return make([]pipeline.Result, len(batch)), nil
}

// Took implements pipeline.Observer.
func (r *recorder) Took(station string, _ int, d time.Duration) {
	r.change(func() { r.took[station] += d })
}

// Action implements pipeline.Observer.
func (r *recorder) Action(_, _ string, s pipeline.Status, _ string) {
	r.change(func() { r.status = s })
}

func (r *recorder) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.news)
	r.news = make(chan struct{})
}

// await waits until the condition holds or ctx ends.
func (r *recorder) await(ctx context.Context, holds func() bool) error {
	for {
		r.mu.Lock()
		done, news := holds(), r.news
		r.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
		}
	}
}
