package kind

import "github.com/signalbox-dev/signalbox/pipeline"

// Follower is a source that wants to know what became of its messages.
type Follower interface {
	// Follow gives what reads the journal, and what takes what was read, both
	// nil if nothing does now. It is called once, after Open. A cursor of its own
	// sees to it that the sink gets every document at least once.
	Follow() (pipeline.Renderer, pipeline.Sink)
}
