package pipeline

import (
	"encoding/json"
	"fmt"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Relayed is the Renderer of what a relay hands on: the tokens that were
// accepted, as they were received and signed by their issuers, so that whoever
// gets them can verify them again. Their key is the first subject's. What is not
// signed, refused, a repeat or a drill is not handed on.
func Relayed(_ uint64, r *Record) ([]Delivery, error) {
	in := r.Input
	if r.Kind != InputRecord || in == nil || in.Verdict != Accepted || in.Assurance != event.Signed || in.Test || len(r.Outcomes) == 0 {
		return nil, nil
	}
	d := Delivery{ID: in.ID, Kind: "set", Payload: in.Raw(), Attempt: 1, Event: r.Outcomes[0].Event.Type, JTI: in.JTI, Txn: in.Txn, Chain: in.Chain}
	if d.Chain == "" {
		d.Chain = in.ID
	}
	if text := r.Outcomes[0].Event.Subject; len(text) > 0 {
		var s event.Subject
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, fmt.Errorf("subject of %s: %w", in.ID, err)
		}
		d.Key = s.Key()
	}
	return []Delivery{d}, nil
}
