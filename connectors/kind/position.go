package kind

// Positioned is a source that reads by position and shares what it reads with
// other members of a group.
type Positioned interface {
	// Positions is how it stands now. Safe for concurrent use with Run.
	Positions() Positions
}

// Positions are the figures of a Positioned source.
type Positions struct {
	Topics         []TopicPosition // those of the configuration, always all
	Rebalances     uint64          // since the start
	CommitFailures uint64          // likewise
	DeadLetters    uint64          // refused records written to the dead-letter topic, likewise
}

// TopicPosition is how a topic stands.
type TopicPosition struct {
	Topic      string // as the configuration names it
	Partitions int    // assigned to this process
	Behind     int64  // records of these that are not done, as of the last look
}
