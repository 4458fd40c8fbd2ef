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

// rotateKeys makes a new signing key, which every sink uses from the next token
// on, and tells the journal.
func (a *App) rotateKeys(ctx context.Context, r api.RotateRequest, keep time.Duration) (api.RotateAnswer, error) {
	answer, err := api.Rotate(a.keys, r.Algorithm, keep, a.o.Now())
	note := pipeline.OperatorPart{Verb: verbRotate, By: r.By, Comment: r.Comment}
	if err != nil {
		note.Failed = err.Error()
		_ = a.line.Note(ctx, note)
		return answer, &api.Error{Message: err.Error()}
	}
	note.Detail = fmt.Sprintf("%s key %s signs, those before are published for %s", answer.Key.Algorithm, answer.Key.KeyID, keep)
	return answer, a.line.Note(ctx, note)
}

// retireEvery is how often keys are looked at whose time may be over.
const retireEvery = time.Minute

// retireKeys drops keys that were rotated out when their time is over.
func (a *App) retireKeys(ctx context.Context) error {
	tick := time.NewTicker(retireEvery)
	defer tick.Stop()
	for {
		gone, err := a.keys.Retire(a.o.Now())
		if err := a.tellRetired(ctx, gone); err != nil {
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

func (a *App) tellRetired(ctx context.Context, gone []jose.OwnKey) error {
	for _, k := range gone {
		err := a.line.Note(ctx, pipeline.OperatorPart{
			Verb: verbRotate, By: "signalbox", Detail: fmt.Sprintf("%s key %s is dropped, its time was over", k.Algorithm, k.KeyID),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
