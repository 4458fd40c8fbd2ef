package transmitter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// hub is a sink "ssf" with receivers: the transmitter with all its streams. It
// keeps nothing of them in memory that would be missed after a restart.
type hub struct {
	name      string
	issuer    string
	base      string // URL in front of the paths
	all       bool   // default_subjects is ALL
	disables  bool   // what inactivity leads to
	terms     terms
	signer    kind.Signer
	receivers map[string]*receiver
	declared  map[string]declared // by stream id
	auth      Authenticator
	env       kind.Env
	log       *slog.Logger
	now       func() time.Time
	lock      string
	closing   <-chan struct{}

	line    *pipeline.Pipeline
	running atomic.Bool
	polls   polls
	bells   bells

	mu      sync.Mutex
	active  map[string]time.Time // eligible activity not written down yet
	dead    map[string]bool      // told as dead
	courses map[string]course    // not written down yet
	since   time.Time            // when Run began: until then nobody could be active
}

// declared is a stream of the configuration.
type declared struct {
	Declared
	receiver string
}

var (
	_ pipeline.Sink = (*hub)(nil)
	_ kind.Streamer = (*hub)(nil)
	_ kind.Readier  = (*hub)(nil)
)

func newHub(c *Config, env kind.Env, signer kind.Signer) (*hub, error) {
	if env.Mount == nil {
		return nil, errors.New("nothing to mount the management API on")
	}
	h := &hub{
		name: env.Name, issuer: c.Issuer, base: c.base(), all: cmp.Or(c.DefaultSubjects, "ALL") == "ALL",
		disables: c.OnInactivity == "disable", signer: signer, env: env, log: env.Logger(), now: env.Clock(), closing: env.Closing,
		lock: lockPrefix + env.Name, receivers: map[string]*receiver{}, declared: map[string]declared{},
		active: map[string]time.Time{}, dead: map[string]bool{}, courses: map[string]course{},
	}
	h.terms, _ = c.terms()
	var tokens statics
	for i := range c.Receivers {
		r := c.Receivers[i].open()
		h.receivers[r.name] = r
		tokens = append(tokens, r)
		for _, d := range c.Receivers[i].Streams {
			h.declared[c.Receivers[i].id(&d)] = declared{d, r.name}
			if d.Push == nil {
				continue
			}
			if _, err := d.Push.outlet(env, ssf.Mint{}); err != nil { // files are read before anything runs
				return nil, fmt.Errorf("stream %s: %w", c.Receivers[i].id(&d), err)
			}
		}
	}
	h.auth = tokens
	if c.Access != nil {
		clients := map[string]*receiver{}
		for i := range c.Receivers {
			if id := c.Receivers[i].ClientID; id != "" {
				clients[id] = h.receivers[c.Receivers[i].Name]
			}
		}
		access, err := c.Access.open(env, clients)
		if err != nil {
			return nil, err
		}
		h.auth = either{tokens, access}
	}
	for path, handler := range h.endpoints() {
		if err := env.Mount(path, handler); err != nil {
			return nil, fmt.Errorf("mount management API: %w", err)
		}
	}
	return h, nil
}

// base is the URL in front of the paths of our endpoints.
func (c *Config) base() string {
	if c.URL != "" {
		return strings.TrimSuffix(c.URL, "/")
	}
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Use implements kind.Streamer.
func (h *hub) Use(line *pipeline.Pipeline) { h.line = line }

// Deliver implements pipeline.Sink. What is queued for the sink is spread over
// its streams and comes here never.
func (h *hub) Deliver(context.Context, []pipeline.Delivery) ([]pipeline.Result, error) {
	return nil, errors.New("ssf sink: its streams deliver")
}

// SpreadLock implements pipeline.Spreader.
func (h *hub) SpreadLock() string { return h.lock }

// Serves implements pipeline.Spreader.
func (h *hub) Serves(tx store.Tx, id string) bool {
	s, err := h.load(tx, id)
	return err == nil && s != nil
}

// Spread implements pipeline.Spreader: a stream gets what its receiver may be
// told (SSF-TX-74), what it delivers (SSF-TX-22) and whom it is about
// (SSF-TX-70, SSF-TX-71), unless it is disabled (SSF-TX-55).
func (h *hub) Spread(tx store.Tx, o pipeline.Order) (copies []pipeline.Copy, err error) {
	t, ok := event.ByName(o.Event)
	if !ok {
		return nil, nil
	}
	streams, err := h.loadAll(tx)
	if err != nil {
		return nil, err
	}
	for _, s := range streams {
		r := h.receivers[s.Receiver]
		if r == nil || s.Deleted || s.Status == disabled || !slices.Contains(s.delivered(h.supported(s, r)), t.URI) || !r.entitled(o.Subject) {
			continue
		}
		wants, err := h.subjectsOf(tx, s).wants(o.Subject)
		if err != nil {
			return nil, err
		}
		if !wants {
			continue
		}
		copies = append(copies, pipeline.Copy{Stream: s.ID, Refuse: h.full(s.ID)})
	}
	return copies, nil
}

// full says that as much waits for a stream as may (POLL-16).
func (h *hub) full(id string) string {
	if n, _ := h.line.Pending(pipeline.StreamQueue(h.name, id)); n >= h.terms.MaxQueue {
		return fmt.Sprintf("%d SETs wait for stream %s, which is as many as may", n, id)
	}
	return ""
}

// entitled reports whether a receiver may be told of a subject.
func (r *receiver) entitled(s event.Subject) bool {
	return len(r.subjects) == 0 || event.MatchAll(r.subjects, s)
}

// supported are the events a stream may carry.
func (h *hub) supported(s *stream, r *receiver) []string {
	d, ok := h.declared[s.ID]
	if !ok || len(d.Events) == 0 {
		return r.supported
	}
	list := []string{}
	for _, uri := range uris(d.Events) {
		if slices.Contains(r.supported, uri) {
			list = append(list, uri)
		}
	}
	return list
}

// mint makes the tokens of a stream.
func (h *hub) mint(s *stream, queue string) ssf.Mint {
	return ssf.Mint{Sink: queue, Issuer: h.issuer, Audience: s.Audience, Signer: h.signer, Now: h.now}
}
