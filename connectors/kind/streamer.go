package kind

import (
	"context"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
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
	// SetStatus changes the status of a stream by an operator's decision, of which
	// its receiver is told, and returns what it was. What an operator paused or
	// disabled a receiver cannot enable. Safe for concurrent use.
	SetStatus(ctx context.Context, stream, status, reason string) (was string, err error)
}

// StreamInspector is the configuration of a Streamer that can tell how its streams
// stand from the store of a product that does not run.
type StreamInspector interface {
	// InspectStreams tells how the streams of the sink of that name stand, by id.
	// It changes nothing in the store.
	InspectStreams(ctx context.Context, name string, s store.Store) ([]StreamState, error)
}

// Trial is an event that an operator states to test a receiver.
type Trial struct {
	Event       string // qualified name in the catalogue
	Subject     event.Subject
	Body        []byte // payload; nil: {}
	Txn         string
	Undelivered bool // also to a stream that does not deliver the event
}

// StreamState is how a stream stands. Times are zero for never.
type StreamState struct {
	ID, Receiver string
	Declared     bool   // stated by the configuration
	Method       string // push or poll
	Status       string // enabled, paused or disabled
	Reason       string
	Held         bool      // an operator paused or disabled it: its receiver cannot enable it
	Pending      int       // SETs its receiver has not taken
	Oldest       time.Time // since when the oldest waits
	Subjects     int       // added or removed
	Active       time.Time // last call of the management API or poll that concerned it
	Verified     time.Time // when its receiver last asked for verification
	Delivered    time.Time // when a SET was last pushed, or handed out to a poll
	Acked        time.Time // when its receiver last took one
	Failed       time.Time // when one last could not be delivered, or was refused
	Error        string    // why, safe to show
}
