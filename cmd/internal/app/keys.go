package app

import (
	"context"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// verbRotate is the verb of notes on the product's signing keys.
const verbRotate = "rotate-keys"

// rotateKeys makes a new signing key, which every sink uses from the first token
// after lead on, and tells the journal.
func (a *App) rotateKeys(ctx context.Context, r api.RotateRequest, lead, keep time.Duration) (api.RotateAnswer, error) {
	answer, err := api.Rotate(a.keys, r.Algorithm, lead, keep, a.o.Now())
	note := pipeline.OperatorPart{Verb: verbRotate, By: r.By, Comment: r.Comment}
	if err != nil {
		note.Failed = err.Error()
		_ = a.line.Note(ctx, note)
		return answer, &api.Error{Message: err.Error()}
	}
	begins := "signs"
	if lead > 0 {
		begins = "signs from " + answer.Key.From.Format(time.RFC3339)
	}
	note.Detail = fmt.Sprintf("%s key %s %s, those before are published for %s after that", answer.Key.Algorithm, answer.Key.KeyID, begins, keep)
	return answer, a.line.Note(ctx, note)
}

// settleEvery is how often keys are looked at whose time may have come or be over.
const settleEvery = time.Minute

// settleKeys lets new keys sign and drops those that were rotated out, each in its
// time.
func (a *App) settleKeys(ctx context.Context) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		begun, gone, err := a.keys.Settle(a.o.Now())
		if err := a.tellSettled(ctx, begun, "signs from now on"); err != nil {
			return err
		}
		if err := a.tellSettled(ctx, gone, "is dropped, its time was over"); err != nil {
			return err
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (a *App) tellSettled(ctx context.Context, keys []jose.OwnKey, what string) error {
	for _, k := range keys {
		err := a.line.Note(ctx, pipeline.OperatorPart{
			Verb: verbRotate, By: "signalbox", Detail: fmt.Sprintf("%s key %s %s", k.Algorithm, k.KeyID, what),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
