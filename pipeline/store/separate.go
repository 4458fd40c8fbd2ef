package store

import (
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Records of the journal are most of the bytes, never change and go from the
// oldest on. In tables among the other keys each would be rewritten with them,
// several times. So the journal has tables of its own, and the records are in
// files beside them, which a compaction leaves where they are.

// Only the journal's values lie there: DB.Get returns an empty value where such
// a file is damaged, and a record has a header that is never empty.

// separateJournal sets the engine up for that.
func separateJournal(po *pebble.Options) {
	po.FormatMajorVersion = pebble.FormatValueSeparation
	po.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy {
		return pebble.ValueSeparationPolicy{
			Enabled:               true,
			MinimumSize:           256,
			MaxBlobReferenceDepth: 64,
			// A file goes when the journal's start has passed all its records. Only
			// the oldest has some that are gone, so this matters in short journals.
			TargetGarbageRatio: 0.5,
			RewriteMinimumAge:  5 * time.Minute,
		}
	}
	po.Experimental.SpanPolicyFunc = func(start []byte) (pebble.SpanPolicy, []byte, error) {
		lo, hi := prefixRange(journalPrefix)
		rest := pebble.SpanPolicy{ValueStoragePolicy: pebble.ValueStorageLowReadLatency}
		switch {
		case len(start) == 0 || start[0] < journalPrefix:
			return rest, lo, nil
		case start[0] == journalPrefix:
			return pebble.SpanPolicy{}, hi, nil
		}
		return rest, nil, nil
	}
}
