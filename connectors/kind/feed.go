package kind

import "time"

// Feed is a source that knows how its feed of signals is: a quiet one and a dead
// one look alike from the signals alone.
type Feed interface {
	// Feed is how it stands now. Safe for concurrent use with Run.
	Feed() FeedState
}

// FeedState is what a source knows of its feed. Times are zero for never.
type FeedState struct {
	Status       string        // healthy, degraded or blind: see pipeline.FeedHealth
	Reason       string        // why, safe to show
	Stream       string        // id at the transmitter, "" if there is none yet
	StreamStatus string        // enabled, paused or disabled; "" unknown
	LastSET      time.Time     // when one last came
	LastVerified time.Time     // when a verification round trip last ended
	Asked        time.Time     // when the oldest verification was asked for that is unanswered
	LastPoll     time.Time     // when a poll was last answered
	Waiting      int           // SETs fetched and not acknowledged
	More         bool          // more wait at the transmitter
	ClockOffset  time.Duration // how far its clock is ahead of ours
	KeysFetched  time.Time     // when the key set of its issuer was last fetched; zero for a set in a file, too
}

// KeyHealth is how the key set of an issuer stands. The zero value is that of a set
// in a file.
type KeyHealth struct {
	Fetched time.Time // when the set in use was fetched, zero for never
	Failed  error     // why the last fetch brought nothing, nil if it did or there was none
	Late    bool      // the set is older than it should be
	Expired bool      // it is too old to verify anything with, or there is none
}
