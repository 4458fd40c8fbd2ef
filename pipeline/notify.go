package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// Notifier says what of the journal is told to a sink, and how often.
type Notifier struct {
	Name     string       // of the sink
	On       []NoticeKind // what is told
	Rules    []string     // of which rules; empty: of all, and what is of none
	Severity string       // the mildest that is told; "": all

	// Gather is how long the first of a group waits for more of it, and Every how
	// long it is quiet about a group it has told of; both are positive.
	Gather, Every time.Duration

	// Body makes the request's body of a notice.
	Body func(Notice) ([]byte, error)
}

func (n *Notifier) wants(x *Notice) bool {
	return slices.Contains(n.On, x.Kind) && (len(n.Rules) == 0 || slices.Contains(n.Rules, x.Rule)) &&
		slices.Index(Severities, x.Severity) >= slices.Index(Severities, n.Severity)
}

// Keys and bounds of notifiers.
const (
	noticeKeys   = "~n/"     // and the notifier's name: its desk
	noticeCursor = "notify/" // and the notifier's name

	maxGroups     = 200      // that wait or are quiet; others of a kind share one
	maxNoticeBody = 64 << 10 // bytes
	letterTries   = 6        // of one letter, then its notice waits with its group again
	noticeLinger  = 20 * time.Millisecond
	deskRecords   = 5000             // read before the place is written down, if nothing is to be told
	deskEvery     = 10 * time.Second // the same in time
)

// desk is what a notifier has yet to tell. It is kept in the store together with
// the cursor, so what it speaks of is known exactly once.
type desk struct {
	Groups map[string]*pile `json:"groups"`
	Letter *letter          `json:"letter,omitempty"` // being sent

	// Fails counts the tries in a row that failed, of whatever letters; nothing is
	// tried before Rest. Only the first is noted in the journal.
	Fails int       `json:"fails,omitempty"`
	Rest  time.Time `json:"rest,omitzero"`
}

// pile is what gathered of one group since it was last told of.
type pile struct {
	Notice Notice    `json:"notice"` // Count 0: nothing
	Due    time.Time `json:"due"`    // when it is told, or with nothing to tell, when the group is forgotten
}

// letter is one request. It is made once, and every try sends the same bytes.
type letter struct {
	ID     string `json:"id"`
	Notice Notice `json:"notice"`
	Bytes  []byte `json:"bytes"`
	Tries  int    `json:"tries"`
}

// notifying is one running notifier.
type notifying struct {
	p     *Pipeline
	n     Notifier
	sink  Sink
	desk  desk
	at    uint64    // read so far
	saved uint64    // and written down
	then  time.Time // when
}

// Notify tells the sink what of the journal people should know, until ctx ends:
// from its end when the notifier is new, else from where it was. Nothing waits
// for it. However much gathers, a group is told of once per Every, with a count;
// while the sink takes nothing, groups go on gathering. A restart loses nothing
// and repeats at most the request that was in flight, with the same bytes under
// the same id. What could not be told is logged, counted and in the journal. The
// first fault of the store is returned.
func (p *Pipeline) Notify(ctx context.Context, n Notifier, sink Sink) error {
	d := &notifying{p: p, n: n, sink: sink, desk: desk{Groups: map[string]*pile{}}}
	err := d.run(ctx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("notify %s: %w", n.Name, err)
	}
	return nil
}

func (d *notifying) run(ctx context.Context) error {
	if err := d.load(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		changed, before := d.p.store.Changed(), d.at
		if err := d.read(ctx); err != nil {
			return err
		}
		wait, err := d.send(ctx)
		if err != nil {
			return err
		}
		if wait == 0 || d.at > before && d.at < d.p.store.Last() {
			continue
		}
		pause(ctx, changed, wait)
		pause(ctx, nil, min(wait, noticeLinger))
	}
	return d.save(ctx)
}

// load takes up where the notifier was.
func (d *notifying) load(ctx context.Context) error {
	_, known := d.p.store.Cursors()[noticeCursor+d.n.Name]
	if !known {
		d.at = d.p.store.Last()
		return d.save(ctx)
	}
	tx, err := d.p.store.Begin(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if d.at, err = tx.Cursor(noticeCursor + d.n.Name); err != nil {
		return err
	}
	d.saved, d.then = d.at, d.p.now()
	text, ok, err := tx.Get(noticeKeys + d.n.Name)
	if err == nil && ok {
		err = json.Unmarshal(text, &d.desk)
	}
	return err
}

// save writes down desk and place as one.
func (d *notifying) save(ctx context.Context) error {
	text, err := json.Marshal(d.desk)
	if err != nil {
		return err
	}
	key := noticeKeys + d.n.Name
	err = store.Update(context.WithoutCancel(ctx), d.p.store, []string{key}, func(tx store.Tx) error {
		tx.Put(key, text)
		tx.MoveCursor(noticeCursor+d.n.Name, d.at)
		return nil
	})
	if err == nil {
		d.saved, d.then = d.at, d.p.now()
	}
	return err
}

// read puts what the journal has to tell on the desk.
func (d *notifying) read(ctx context.Context) error {
	n, news := 0, false
	skip := func(seq uint64, err error) {
		d.p.log.Error("journal record cannot be read for notices", "notifier", d.n.Name, "seq", seq, "err", err)
		n++
	}
	take := func(_ uint64, rec *Record) {
		n++
		for _, x := range Notices(rec) {
			if d.n.wants(&x) {
				d.put(x)
				news = true
			}
		}
	}
	last, err := d.p.follow(ctx, d.at, take, skip, func() bool { return n >= viewRecords })
	if err != nil {
		return err
	}
	d.at = last
	if news || d.at-d.saved >= deskRecords || d.at > d.saved && d.p.now().Sub(d.then) >= deskEvery {
		return d.save(ctx)
	}
	return nil
}

// put gathers a notice.
func (d *notifying) put(x Notice) {
	now := d.p.now()
	if d.desk.Groups[x.Group] == nil && len(d.desk.Groups) >= maxGroups {
		x.Group = string(x.Kind) // in no group beside this one
	}
	switch p := d.desk.Groups[x.Group]; {
	case p == nil:
		d.desk.Groups[x.Group] = &pile{Notice: x, Due: now.Add(d.n.Gather)}
	case p.Notice.Count == 0:
		p.Notice, p.Due = x, later(p.Due, now.Add(d.n.Gather))
	default:
		p.Notice.add(x)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// send tells what is due, one request. It says how long to wait before the next;
// 0 means not at all.
func (d *notifying) send(ctx context.Context) (time.Duration, error) {
	now := d.p.now()
	due := d.due(now)
	if now.Before(d.desk.Rest) {
		return untilDue(d.desk.Rest, now), nil
	}
	if d.desk.Letter == nil {
		if due == nil {
			return untilDue(d.nextDue(), now), nil
		}
		if made, err := d.write(ctx, due); err != nil || !made {
			return 0, err
		}
	}
	l := d.desk.Letter
	work, cancel := context.WithTimeout(ctx, claimWork)
	defer cancel()
	results, err := d.sink.Deliver(work, []Delivery{{ID: l.ID, Kind: "notice", Payload: l.Bytes, Attempt: l.Tries + 1}})
	switch {
	case err != nil:
		results = []Result{{Err: err}}
	case len(results) != 1:
		results = []Result{{Err: fmt.Errorf("sink returned %d results for one notice", len(results))}}
	}
	if errors.Is(results[0].Err, context.Canceled) && ctx.Err() != nil {
		return 0, nil // cut off by us; the same goes out at the next start
	}
	return 0, d.settle(ctx, l, results[0])
}

// due forgets groups that are over and finds the one that waits longest of those
// that may be told of.
func (d *notifying) due(now time.Time) (due *pile) {
	for _, group := range slices.Sorted(maps.Keys(d.desk.Groups)) {
		p := d.desk.Groups[group]
		switch {
		case p.Due.After(now):
		case p.Notice.Count == 0:
			delete(d.desk.Groups, group)
		case due == nil || p.Due.Before(due.Due):
			due = p
		}
	}
	return due
}

func (d *notifying) nextDue() (next time.Time) {
	for _, p := range d.desk.Groups {
		if next.IsZero() || p.Due.Before(next) {
			next = p.Due
		}
	}
	return next
}

// write makes the letter of a pile, of which nothing is left then, and keeps it
// before it is sent. What no letter can be made of is dropped and said.
func (d *notifying) write(ctx context.Context, p *pile) (bool, error) {
	now := d.p.now()
	x := p.Notice
	p.Notice, p.Due = Notice{}, now.Add(d.n.Every)
	l := &letter{Notice: x, ID: "n-" + hash("notice", d.n.Name, x.Group, x.First.Format(time.RFC3339Nano), strconv.FormatUint(d.at, 10))}
	body, err := d.n.Body(x)
	if err == nil && len(body) > maxNoticeBody {
		err = fmt.Errorf("the body is longer than %d bytes", maxNoticeBody)
	}
	l.Bytes = body
	if maker, ok := d.sink.(Preparer); ok && err == nil {
		l.Bytes, err = maker.Prepare(ctx, Order{
			ActionID: l.ID, Rule: x.Rule, Type: "notify", Made: now.UTC(), Stream: d.n.Name, Request: &Request{Body: body},
		})
	}
	if err != nil {
		return false, d.drop(ctx, &x, err)
	}
	d.desk.Letter = l
	return true, d.save(ctx)
}

// settle writes down what the sink said of a letter.
func (d *notifying) settle(ctx context.Context, l *letter, r Result) error {
	l.Tries++
	var final *FinalError
	switch {
	case r.Err == nil:
		d.p.obs.Notice(d.n.Name, l.Notice.Kind, "sent")
		d.desk.Letter, d.desk.Fails, d.desk.Rest = nil, 0, time.Time{}
		return d.note(ctx, &l.Notice, "")
	case errors.As(r.Err, &final):
		d.desk.Letter, d.desk.Fails, d.desk.Rest = nil, 0, time.Time{}
		return d.drop(ctx, &l.Notice, r.Err)
	}
	d.p.obs.Notice(d.n.Name, l.Notice.Kind, "failed")
	d.p.log.Warn("notice not taken, will be tried again", "notifier", d.n.Name, "kind", l.Notice.Kind, "try", l.Tries, "err", r.Err)
	d.desk.Fails++
	d.desk.Rest = d.p.now().Add(max(r.After, backoff(d.desk.Fails, lastRetry)))
	if l.Tries >= letterTries {
		d.putBack(l)
	}
	if d.desk.Fails > 1 {
		return d.save(ctx)
	}
	return d.note(ctx, &l.Notice, "not taken, will be tried again: "+r.Err.Error())
}

// putBack lets the notice of a letter wait with its group again, so that others
// have their turn and it speaks of all that gathered since.
func (d *notifying) putBack(l *letter) {
	d.desk.Letter = nil
	x := l.Notice
	if p := d.desk.Groups[x.Group]; p != nil && p.Notice.Count > 0 {
		x.add(p.Notice)
	}
	d.desk.Groups[x.Group] = &pile{Notice: x, Due: d.desk.Rest}
}

// drop gives a notice up and says so.
func (d *notifying) drop(ctx context.Context, x *Notice, why error) error {
	d.p.obs.Notice(d.n.Name, x.Kind, "refused")
	d.p.log.Error("notice given up", "notifier", d.n.Name, "kind", x.Kind, "err", why)
	return d.note(ctx, x, "given up: "+why.Error())
}

// note saves and tells the journal what became of a notice.
func (d *notifying) note(ctx context.Context, x *Notice, failed string) error {
	if err := d.save(ctx); err != nil {
		return err
	}
	return d.p.Note(context.WithoutCancel(ctx), OperatorPart{
		Verb: "notify", By: "signalbox", Detail: string(x.Kind) + " to " + d.n.Name + ": " + x.Text(), Failed: failed,
	})
}

// KeepNotifiers forgets every notifier but those named: what one that is no
// longer configured has not read would keep the journal from being cut.
func (p *Pipeline) KeepNotifiers(ctx context.Context, names []string) error {
	for cursor := range p.store.Cursors() {
		name, ok := strings.CutPrefix(cursor, noticeCursor)
		if !ok || slices.Contains(names, name) {
			continue
		}
		key := noticeKeys + name
		err := store.Update(ctx, p.store, []string{key}, func(tx store.Tx) error {
			tx.Delete(key)
			tx.DropCursor(cursor)
			return nil
		})
		if err != nil {
			return fmt.Errorf("forget notifier %s: %w", name, err)
		}
	}
	return nil
}
