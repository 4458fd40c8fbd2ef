package pipeline

import (
	"context"
	"fmt"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// StopActions turns the stop switch on: nothing is handed to any sink and new
// actions are held, until ResumeActions. It survives restarts. Intake, state
// and indexing go on.
func (p *Pipeline) StopActions(ctx context.Context, by, comment string) error {
	return p.operate(ctx, OperatorPart{Verb: "stop-actions", By: by, Comment: comment}, func(tx store.Tx) {
		tx.Put(stopKey, []byte(by))
	})
}

// ResumeActions turns the stop switch off. Queued actions that have not expired
// are handed over; those held meanwhile stay held.
func (p *Pipeline) ResumeActions(ctx context.Context, by, comment string) error {
	return p.operate(ctx, OperatorPart{Verb: "resume-actions", By: by, Comment: comment}, func(tx store.Tx) {
		tx.Delete(stopKey)
	})
}

// Stopped tells whether the stop switch is on.
func (p *Pipeline) Stopped(ctx context.Context) (bool, error) {
	tx, err := p.store.Begin(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("read stop switch: %w", err)
	}
	defer tx.Rollback()
	_, on, err := tx.Get(stopKey)
	return on, err
}

// Note writes what an operator or the product itself did into the journal.
func (p *Pipeline) Note(ctx context.Context, o OperatorPart) error {
	return p.operate(ctx, o, func(store.Tx) {})
}

func (p *Pipeline) operate(ctx context.Context, o OperatorPart, change func(store.Tx), locks ...string) error {
	err := store.Update(ctx, p.store, append(locks, stopKey), func(tx store.Tx) error {
		change(tx)
		rec := &Record{Kind: OperatorRecord, At: p.now().UTC(), Node: p.node, Operator: &o}
		// What an analyst found can wait for room; a stop cannot.
		tx.Append(store.Record{Data: rec.AppendJSON(nil), IDs: o.ids(), Exempt: o.Judgement == nil})
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", o.Verb, err)
	}
	outcome := "done"
	if o.Failed != "" {
		outcome = "failed"
	}
	p.log.Info("operator", "verb", o.Verb, "by", o.By, "outcome", outcome, "comment", o.Comment)
	return nil
}
