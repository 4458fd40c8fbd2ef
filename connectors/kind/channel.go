package kind

import "time"

// Remit is what the records of a channel may cause, as a block of a source: the
// same as in the block of an issuer. Without it they are recorded only.
type Remit struct {
	Events   []string `hcl:"events,optional"`
	Subjects []string `hcl:"subjects,optional"`
	Actions  []string `hcl:"actions,optional"`
	Links    *string  `hcl:"links,optional"`
}

// Channel is the configuration of a source that may bring records read by a
// mapping, believed because of the channel and not of a signature.
type Channel interface {
	// Trust is the remit of its records, nil without one, and the age from
	// which an event of them is stale, 0 for never.
	Trust() (*Remit, time.Duration)
}
