package receiver

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	randv2 "math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Pauses of the keeper after a fault, and how often it reads the metadata anew.
const (
	firstPause    = time.Second
	lastPause     = 5 * time.Minute
	discoverEvery = time.Hour
	shortestRound = time.Second
)

// keeper looks after one stream.
type keeper struct {
	*source
	discovered time.Time
	told       bool      // the delivery was told to the transmitter since the start
	tried      string    // what the last change asked for, so that a transmitter that ignores it is not asked for ever
	verified   time.Time // last verification request
	unverified error     // what became of it, if it failed
	notBefore  time.Time // no verification before, on the transmitter's word
}

// keep keeps the stream as it is to be until ctx ends.
func (s *source) keep(ctx context.Context) {
	k := &keeper{source: s}
	pause := firstPause
	for ctx.Err() == nil {
		err := k.round(ctx)
		if ctx.Err() != nil {
			return
		}
		s.noteKeep(err)
		s.tellHealth(ctx)
		wait := jitter(s.interval())
		if err != nil {
			wait = max(jitter(pause), after(err))
			pause = min(2*pause, lastPause)
		} else {
			pause = firstPause
		}
		sleep(ctx, wait, s.kick)
	}
}

// interval is the time between two rounds: that of verification, and well inside
// the inactivity time-out, since a delivered SET does not count as activity
// (SSF-RX-18).
func (s *source) interval() time.Duration {
	d := s.conf.VerifyEvery
	if st := s.stream.Load(); st != nil && st.InactivityTimeout > 0 {
		d = min(d, st.InactivityTimeout/3)
	}
	return max(d, shortestRound)
}

// jitter keeps receivers from asking in step.
func jitter(d time.Duration) time.Duration {
	return d - randv2.N(d/10+1)
}

// after is how long an answer asks to wait.
func after(err error) time.Duration {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.After
	}
	return 0
}

// noteKeep takes a fault of the management API in, and logs a new one once.
func (s *source) noteKeep(err error) {
	s.health.update(func(h *health) {
		if err != nil && h.keep.err != err.Error() {
			s.log.Error("the stream cannot be looked after now, will try again", "err", err)
		} else if err == nil && h.keep.err != "" {
			s.log.Info("the stream is looked after again")
		}
		h.keep.note(err, s.now())
		h.offset, _ = s.tx.Offset()
	})
}

// round brings everything in order once.
func (k *keeper) round(ctx context.Context) error {
	now := k.now()
	if k.discovered.IsZero() || now.Sub(k.discovered) >= discoverEvery {
		if _, err := k.tx.Discover(ctx); err != nil {
			return err
		}
		k.discovered = now
	}
	st, err := k.ensure(ctx)
	if err != nil {
		return err
	}
	if err := k.subjects(ctx, st); err != nil {
		return err
	}
	if err := k.status(ctx, st); err != nil {
		return err
	}
	return k.verify(ctx, st)
}

// ensure finds the stream, makes it if there is none, and brings it to what is
// configured.
func (k *keeper) ensure(ctx context.Context) (*client.Stream, error) {
	st, err := k.find(ctx)
	if err != nil {
		return nil, err
	}
	if st == nil {
		if st, err = k.create(ctx); err != nil {
			return nil, err
		}
	}
	if st.ID != k.mem.get().Stream {
		if err := k.mem.change(func(d *remembered) { *d = remembered{Stream: st.ID, Told: d.Told} }); err != nil {
			return nil, err
		}
	}
	k.use(st)
	if !k.conf.AsIs {
		if st, err = k.reconcile(ctx, st); err != nil {
			return nil, err
		}
		k.use(st)
	}
	return st, nil
}

// use makes the stream the one that is polled. It may not be all it should be:
// what comes is taken meanwhile.
func (k *keeper) use(st *client.Stream) {
	if k.stream.Swap(st) == nil {
		k.log.Info("stream in use", "stream", st.ID, "delivers", st.EventsDelivered)
		signal(k.found)
	}
	k.examine(st)
}

// find looks for the stream that is used already, or can be; nil if one is to be
// made.
func (k *keeper) find(ctx context.Context) (*client.Stream, error) {
	if id := cmp.Or(k.conf.ID, k.mem.get().Stream); id != "" {
		st, err := k.tx.Read(ctx, id)
		if !client.Gone(err) {
			return st, err
		}
		k.stream.Store(nil)
		if k.conf.ID != "" {
			return nil, err
		}
		k.log.Warn("the stream is gone at the transmitter", "stream", id)
	}
	list, err := k.tx.List(ctx)
	switch status := client.StatusOf(err); {
	case err == nil:
	case !k.conf.AsIs && (status == http.StatusNotFound || status == http.StatusBadRequest || status == http.StatusMethodNotAllowed):
		return nil, nil // transmitters that keep no list
	default:
		return nil, err
	}
	return k.pick(list)
}

// pick chooses among the streams that are there: one that is delivered the way
// ours would be and is nobody else's as far as we can tell.
func (k *keeper) pick(list []*client.Stream) (*client.Stream, error) {
	fit := slices.DeleteFunc(slices.Clone(list), func(st *client.Stream) bool {
		want := k.wanted.Delivery
		switch {
		case st.Method != want.Method:
			return true
		case k.conf.AsIs:
			return false
		case want.Method == ssf.DeliveryPush:
			return st.Endpoint != want.Endpoint
		}
		return st.Description != *k.wanted.Description
	})
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(fit) > 1:
		return nil, fmt.Errorf("%d streams at the transmitter could be ours: name one by id in the block stream", len(fit))
	case k.conf.AsIs:
		return nil, errors.New("no stream at the transmitter is delivered this way: have one made, or remove as_is")
	}
	return nil, nil
}

// create makes the stream (SSF-RX-08). Where the transmitter keeps one per
// receiver and there is one, that is taken over (SSF-RX-13).
func (k *keeper) create(ctx context.Context) (*client.Stream, error) {
	st, err := k.tx.Create(ctx, k.wanted)
	if e := (*client.AudienceError)(nil); errors.As(err, &e) {
		return st, nil // examine says so; making another would not help
	}
	if client.StatusOf(err) != http.StatusConflict {
		if err == nil {
			k.told = true
			k.log.Info("stream made", "stream", st.ID)
		}
		return st, err
	}
	list, lerr := k.tx.List(ctx)
	if lerr != nil {
		return nil, lerr
	}
	if len(list) != 1 {
		return nil, err
	}
	k.log.Info("the transmitter keeps one stream, which is taken over", "stream", list[0].ID)
	return list[0], nil
}

// reconcile changes what differs from the configuration. What the transmitter
// does not tell, such as the authorization of pushes, is told to it once after
// every start.
func (k *keeper) reconcile(ctx context.Context, st *client.Stream) (*client.Stream, error) {
	change, what := k.difference(st)
	if what == "" || what == k.tried {
		return st, nil
	}
	next, err := k.tx.Update(ctx, st.ID, change)
	if s := client.StatusOf(err); s == http.StatusMethodNotAllowed || s == http.StatusNotImplemented {
		next, err = k.tx.Replace(ctx, st.ID, k.wanted)
	}
	if errors.Is(err, client.ErrPending) {
		k.log.Info("the transmitter has yet to change the stream", "stream", st.ID, "what", what)
		return st, nil // the same request tells the outcome, in the next round (SSF-RX-16)
	}
	if err != nil {
		return nil, err
	}
	k.log.Info("stream brought to what is configured", "stream", st.ID, "what", what)
	k.told = true
	_, k.tried = k.difference(next)
	return next, nil
}

// difference is what must change, and names it.
func (k *keeper) difference(st *client.Stream) (change client.Wanted, what string) {
	add := func(name string) {
		if what != "" {
			what += ", "
		}
		what += name
	}
	if missing := k.missing(st); len(missing) > 0 || len(st.EventsRequested) > 0 && !sameSet(st.EventsRequested, k.wanted.Events) {
		change.Events = k.wanted.Events
		add("events_requested")
	}
	d := k.wanted.Delivery
	if st.Method != d.Method || d.Method == ssf.DeliveryPush && (st.Endpoint != d.Endpoint || !k.told && d.Authorization != "") {
		change.Delivery = d
		add("delivery")
	}
	if st.Description != *k.wanted.Description {
		change.Description = k.wanted.Description
		add("description")
	}
	return change, what
}

// missing are the events we want that the transmitter supports, or may support,
// and does not deliver (SSF-RX-11).
func (k *keeper) missing(st *client.Stream) (list []string) {
	for _, uri := range k.wanted.Events {
		supported := slices.Contains(st.EventsSupported, uri)
		if supported && !slices.Contains(st.EventsDelivered, uri) {
			list = append(list, uri)
		}
	}
	return list
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// examine notes what is wrong with the stream and does not mend itself.
func (k *keeper) examine(st *client.Stream) {
	finding := ""
	switch {
	case st.Method != k.wanted.Delivery.Method:
		finding = "the transmitter delivers the stream by " + pipeline.Clean(st.Method) + ", which is not what is configured"
	case len(k.audience) > 0 && !slices.ContainsFunc(st.Audience, func(a string) bool { return slices.Contains(k.audience, a) }):
		finding = (&client.AudienceError{Got: st.Audience, Want: k.audience}).Error()
	case len(st.EventsDelivered) == 0 && len(st.EventsRequested) > 0:
		finding = "the transmitter delivers none of the events that are asked for"
	}
	k.health.update(func(h *health) {
		if finding != "" && finding != h.finding {
			k.log.Warn("something is wrong with the stream", "stream", st.ID, "what", finding)
		}
		h.finding = finding
	})
}

// subjects adds the configured subjects to a stream once. That they were taken
// promises nothing (SSF-RX-22).
func (k *keeper) subjects(ctx context.Context, st *client.Stream) error {
	had := k.mem.get().Subjects
	for _, key := range k.conf.Subjects {
		if slices.Contains(had, key) {
			continue
		}
		subject, err := event.ParseKey(key)
		if err != nil {
			return fmt.Errorf("subject %s: %w", key, err)
		}
		if err := k.tx.AddSubject(ctx, st.ID, subject, nil); err != nil {
			return fmt.Errorf("subject %s: %w", key, err)
		}
		if err := k.mem.change(func(d *remembered) { d.Subjects = append(d.Subjects, key) }); err != nil {
			return err
		}
	}
	for _, key := range had {
		if slices.Contains(k.conf.Subjects, key) || len(k.conf.Subjects) == 0 && k.conf.AsIs {
			continue
		}
		if subject, err := event.ParseKey(key); err == nil {
			if err := k.tx.RemoveSubject(ctx, st.ID, subject); err != nil && !client.Gone(err) {
				return fmt.Errorf("subject %s: %w", key, err)
			}
		}
		err := k.mem.change(func(d *remembered) {
			d.Subjects = slices.DeleteFunc(d.Subjects, func(s string) bool { return s == key })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// status reads whether the transmitter sends at all.
func (k *keeper) status(ctx context.Context, st *client.Stream) error {
	now, err := k.tx.Status(ctx, st.ID)
	if errors.Is(err, client.ErrUnoffered) {
		return nil
	}
	if err != nil {
		if client.Gone(err) {
			k.stream.Store(nil)
		}
		return err
	}
	k.setStatus(now.Status, now.Reason)
	return nil
}

// setStatus notes the status of the stream and logs a change.
func (s *source) setStatus(status, reason string) {
	s.health.update(func(h *health) {
		if h.status != status && (h.status != "" || status != client.Enabled) {
			s.log.Warn("status of the stream", "status", status, "reason", reason)
		}
		h.status, h.why = status, reason
	})
}

// verify asks for a verification event when it is time: never more often than
// the transmitter permits, restarts included (SSF-RX-29), and not where nothing
// may be sent. The state is remembered before it is asked for.
func (k *keeper) verify(ctx context.Context, st *client.Stream) error {
	now := k.now()
	every := max(k.conf.VerifyEvery, st.VerifyEvery)
	k.health.update(func(h *health) { h.every = every })
	since := now.Sub(later(k.verified, k.mem.lastAsked()))
	switch {
	case now.Before(k.notBefore), k.blocked():
		return nil
	case since < st.VerifyEvery:
		return k.unverified
	case k.unverified == nil && since < every-every/10: // a round comes a little early by its jitter
		return nil
	}
	state := rand.Text()
	if err := k.mem.ask(state, now); err != nil {
		return err
	}
	k.verified = now
	err := k.tx.Verify(ctx, st.ID, state)
	unoffered := errors.Is(err, client.ErrUnoffered)
	k.health.update(func(h *health) { h.silent = unoffered })
	if k.unverified = nil; err == nil {
		return nil
	}
	if uerr := k.mem.unask(state); uerr != nil {
		return uerr
	}
	switch {
	case unoffered:
		return nil
	case client.StatusOf(err) == http.StatusTooManyRequests:
		k.notBefore = now.Add(max(after(err), every))
		return nil
	}
	k.unverified = err
	return err
}

// blocked reports whether the transmitter says that it sends nothing.
func (s *source) blocked() bool {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	return s.health.status == client.Paused || s.health.status == client.Disabled
}
