package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Explain runs every step for the messages without side effects and returns
// the records that would have been written, one per message that makes one.
func (p *Pipeline) Explain(ctx context.Context, msgs []Message) ([]Receipt, []*Record, error) {
	gen := p.settings.Load()
	if gen == nil {
		return nil, nil, errors.New("explain: pipeline has no settings")
	}
	b := p.newBatch(ctx, gen, msgs)
	b.dry = true
	b.verify(ctx)
	for round := 1; ; round++ {
		tx, err := b.plan(ctx)
		if err == nil {
			tx.Rollback()
			b.number(tx)
			break
		}
		if !b.leaveOut(ctx, err) && (round >= roundsAlone || !errors.Is(err, errMoved)) {
			return nil, nil, fmt.Errorf("explain: %w", err)
		}
	}
	records := make([]*Record, len(b.units))
	for i, u := range b.units {
		records[i] = u.record
	}
	return b.receipts(), records, nil
}

// Found is a journal record with its place.
type Found struct {
	Seq    uint64  `json:"seq"`
	Record *Record `json:"record"`
}

// Find returns the journal records of an input, event, decision or action id,
// oldest first; none when the id is unknown or its records have been removed.
func (p *Pipeline) Find(ctx context.Context, id string) ([]Found, error) {
	if strings.HasPrefix(id, "e-") || strings.HasPrefix(id, "d-") {
		id, _, _ = strings.Cut(tail(id), "-")
	}
	seqs, err := p.store.Locate(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", id, err)
	}
	var found []Found
	for _, seq := range seqs {
		data, err := p.store.Record(ctx, seq)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", id, err)
		}
		if data == nil {
			continue
		}
		rec := new(Record)
		if err := json.Unmarshal(data, rec); err != nil {
			return nil, fmt.Errorf("read journal record %d: %w", seq, err)
		}
		found = append(found, Found{seq, rec})
	}
	return found, nil
}
