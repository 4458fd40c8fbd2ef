package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// Quarantine bounds what is kept of refused messages so that they can be tried
// again once a key, an audience or a rule set was put right. Only messages of
// senders that the channel authenticated are kept: strangers cannot fill it.
type Quarantine struct {
	MaxEntries int   // messages of one source; 0: 1000
	MaxBytes   int64 // of all messages; 0: 64 MiB
}

func (q Quarantine) filled() Quarantine {
	if q.MaxEntries == 0 {
		q.MaxEntries = 1000
	}
	if q.MaxBytes == 0 {
		q.MaxBytes = 64 << 20
	}
	return q
}

// Quarantined is a refused message as it is kept: whole, with the reason it was
// refused for last. The same bytes of a source are one, however often they come.
type Quarantined struct {
	ID          string    `json:"id"` // q- and 26 characters
	Source      string    `json:"source"`
	Sender      string    `json:"sender"`
	ContentType string    `json:"content_type,omitempty"`
	Delivery    string    `json:"delivery,omitempty"`
	RemoteAddr  string    `json:"remote_addr,omitempty"`
	Position    string    `json:"position,omitempty"`
	Mapping     string    `json:"mapping,omitempty"`
	Progress    *Progress `json:"progress,omitempty"`
	Issuer      string    `json:"issuer,omitempty"` // as the message claims, unverified
	JTI         string    `json:"jti,omitempty"`    // likewise
	Code        string    `json:"code"`
	Description string    `json:"description"`
	Requirement string    `json:"requirement,omitempty"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Count       int       `json:"count"` // how often it came
	Size        int       `json:"size"`  // bytes
	Body        []byte    `json:"body,omitempty"`
}

// QuarantineFilter selects messages; an empty field selects all.
type QuarantineFilter struct {
	Source string
	Issuer string // the claimed iss, or the authenticated sender
	Code   string
}

func (f QuarantineFilter) selects(e *Quarantined) bool {
	return (f.Source == "" || f.Source == e.Source) && (f.Code == "" || f.Code == e.Code) &&
		(f.Issuer == "" || f.Issuer == e.Issuer || f.Issuer == e.Sender)
}

// Retried is what became of a message that was tried again.
type Retried struct {
	ID      string      `json:"id"`
	Verdict Verdict     `json:"verdict,omitempty"` // "" when nothing was done with it
	Input   string      `json:"input,omitempty"`   // input id, when it was not refused
	Reject  *RejectPart `json:"reject,omitempty"`  // why it was refused again; it stays
	Retry   string      `json:"retry,omitempty"`   // why nothing could be done now; it stays
}

// ErrNotQuarantined means that no message of that id is kept.
var ErrNotQuarantined = errors.New("not in quarantine")

// Quarantined lists what is kept and selected, longest there first, without the
// bodies, and how many there are beyond the limit too.
func (p *Pipeline) Quarantined(ctx context.Context, f QuarantineFilter, limit int) (list []Quarantined, total int, err error) {
	err = p.scanQuarantine(ctx, f, func(e Quarantined) {
		e.Body = nil
		list = append(list, e)
	})
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(list, func(a, b Quarantined) int {
		if n := a.First.Compare(b.First); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list[:min(limit, len(list))], len(list), nil
}

func (p *Pipeline) scanQuarantine(ctx context.Context, f QuarantineFilter, each func(Quarantined)) error {
	var damaged error
	err := p.store.Scan(ctx, quarantineEntries, func(key string, value []byte) bool {
		var e Quarantined
		if damaged = json.Unmarshal(value, &e); damaged != nil {
			damaged = fmt.Errorf("read %s: %w", key, damaged)
			return false
		}
		if f.selects(&e) {
			each(e)
		}
		return true
	})
	if err = errors.Join(err, damaged); err != nil {
		return fmt.Errorf("list quarantine: %w", err)
	}
	return nil
}

// QuarantinedMessage returns one message with its body. The error wraps
// ErrNotQuarantined if none of that id is kept.
func (p *Pipeline) QuarantinedMessage(ctx context.Context, id string) (*Quarantined, error) {
	tx, err := p.store.Begin(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("read quarantine: %w", err)
	}
	defer tx.Rollback()
	e, err := readQuarantined(tx, id)
	if err == nil && e == nil {
		err = ErrNotQuarantined
	}
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", id, err)
	}
	return e, nil
}

// RetryQuarantined brings messages to the line as if their sources had just
// received them. What is not refused again leaves the quarantine in the
// transaction that holds its outcome, and the journal says who tried. It returns
// one result for each id, in order; an id that is not there has the verdict
// "repeated": whoever was faster has seen to it.
func (p *Pipeline) RetryQuarantined(ctx context.Context, ids []string, by string) ([]Retried, error) {
	if !p.entrance.enter() {
		return nil, &BusyError{Reason: "shutting down", After: 5 * time.Second}
	}
	defer p.entrance.leave()
	gen := p.settings.Load()
	if gen == nil {
		return nil, &BusyError{Reason: "starting", After: time.Second}
	}
	var results []Retried
	for chunk := range slices.Chunk(ids, min(p.maxBatch, retryBatch)) {
		done, err := p.retryQuarantined(ctx, gen, chunk, by)
		results = append(results, done...)
		if err != nil {
			return results, fmt.Errorf("retry from quarantine: %w", err)
		}
	}
	return results, nil
}

// retryBatch is how many messages are tried again in one transaction.
const retryBatch = 100

func (p *Pipeline) retryQuarantined(ctx context.Context, gen *Settings, ids []string, by string) ([]Retried, error) {
	results := make([]Retried, len(ids))
	var msgs []Message
	var at []int
	for i, id := range ids {
		results[i] = Retried{ID: id, Verdict: Repeated}
		e, err := p.QuarantinedMessage(ctx, id)
		if errors.Is(err, ErrNotQuarantined) {
			continue
		} else if err != nil {
			return nil, err
		}
		msgs = append(msgs, Message{
			Source: e.Source, Sender: e.Sender, Body: e.Body, ContentType: e.ContentType, Received: p.now(),
			Delivery: e.Delivery, RemoteAddr: e.RemoteAddr, Position: e.Position, Mapping: e.Mapping, Progress: e.Progress,
		})
		at = append(at, i)
	}
	if len(msgs) == 0 {
		return results, nil
	}
	b := p.newBatch(ctx, gen, msgs)
	for i, u := range b.units {
		u.release = &release{ids[at[i]], by}
	}
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	for i, r := range b.receipts() {
		out := &results[at[i]]
		out.Verdict, out.Input = r.Verdict, r.ID
		if r.Retry != nil {
			out.Retry = r.Retry.Error()
		}
		if r.Reject != nil {
			out.Reject = &RejectPart{Code: r.Reject.Code, Description: r.Reject.Description, Requirement: r.Reject.Requirement}
		}
	}
	return results, nil
}

// DropQuarantined removes messages for good and says in the journal who did.
// It returns how many were there.
func (p *Pipeline) DropQuarantined(ctx context.Context, ids []string, by, comment string) (int, error) {
	gen := p.settings.Load()
	if gen == nil {
		return 0, &BusyError{Reason: "starting", After: time.Second}
	}
	n := 0
	err := store.Update(ctx, p.store, []string{quarantineLock}, func(tx store.Tx) error {
		n = 0
		s := newShelves(tx, gen.Quarantine)
		for _, id := range ids {
			gone, err := s.remove(id)
			if err != nil {
				return err
			}
			if gone {
				n++
			}
		}
		if n == 0 {
			return nil
		}
		s.write()
		detail := fmt.Sprintf("%d messages", n)
		if len(ids) == 1 {
			detail = ids[0]
		}
		rec := &Record{Kind: OperatorRecord, At: p.now().UTC(), Node: p.node,
			Operator: &OperatorPart{Verb: "quarantine-drop", By: by, Comment: comment, Detail: detail}}
		tx.Append(store.Record{Data: rec.AppendJSON(nil), Exempt: true})
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("drop from quarantine: %w", err)
	}
	return n, nil
}
