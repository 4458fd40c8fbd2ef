package transmitter

import (
	"context"
	"sync"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// bells wake those who wait for something of one queue, so that a commit that
// concerns one stream does not wake all of them. The zero value is ready.
type bells struct {
	mu sync.Mutex
	on map[string]chan struct{} // closed by the next ring
}

// listen returns the channel that the next ring of the name closes.
func (b *bells) listen(name string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.on == nil {
		b.on = map[string]chan struct{}{}
	}
	c := b.on[name]
	if c == nil {
		c = make(chan struct{})
		b.on[name] = c
	}
	return c
}

func (b *bells) ring(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.on[name]; c != nil {
		close(c)
		delete(b.on, name)
	}
}

// names are the bells somebody listens to.
func (b *bells) names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	names := make([]string, 0, len(b.on))
	for n := range b.on {
		names = append(names, n)
	}
	return names
}

// watch rings, after each commit, for the queues in which something waits.
func (b *bells) watch(ctx context.Context, line *pipeline.Pipeline) {
	for {
		changed := line.Changed()
		for _, name := range b.names() {
			if n, _ := line.Pending(name); n > 0 {
				b.ring(name)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}
