package kind

import (
	"context"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Streamer is a sink in front of streams that receivers manage: a
// pipeline.Spreader with loops of its own.
type Streamer interface {
	pipeline.Spreader
	// Use gives it the line. It is called once, after Open and before all else.
	Use(line *pipeline.Pipeline)
	// Run serves the streams until ctx ends and returns nil then. Its endpoints
	// answer 503 while it does not run.
	Run(ctx context.Context) error
	// Streams tells how its streams stand, by id. Safe for concurrent use.
	Streams(ctx context.Context) ([]StreamState, error)
	// Emit states an event to one stream for an operator's test, whatever its
	// subjects are, and returns the id of the action by which its fate is known. A
	// stream that does not deliver the event, or whose receiver may not be told of
	// the subject, is an error.
	Emit(ctx context.Context, stream string, e Trial) (actionID string, err error)
}

// Trial is an event that an operator states to test a receiver.
type Trial struct {
	Event       string // qualified name in the catalogue
	Subject     event.Subject
	Body        []byte // payload; nil: {}
	Txn         string
	Undelivered bool // also to a stream that does not deliver the event
}

// StreamState is how a stream stands.
type StreamState struct {
	ID, Receiver string
	Method       string // push or poll
	Status       string // enabled, paused or disabled
	Reason       string
	Pending      int       // SETs its receiver has not taken
	Oldest       time.Time // since when the oldest waits, zero if none
	Subjects     int       // added or removed
	Active       time.Time // last call of the management API or poll that concerned it
}
