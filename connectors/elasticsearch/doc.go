// Package elasticsearch is the index on an Elasticsearch cluster, 8.13 or later:
// documents in the data streams logs-ssf.*-<namespace>, written with _bulk,
// searched with package query.
//
// # Before the first document
//
// Templates and lifecycle policies are installed by signalbox index setup, with
// rights that the running product does not need. What it writes to a stream
// without them is held, not lost.
//
// # Delivery
//
// Every document is a create under its own id: 201 is written, 409 was there
// before. What the server is too busy for is tried again, document by document,
// while the others go on; how much is sent at once follows from what it takes. A
// document that the mapping refuses goes to the stream ssf.error with the reason,
// which names the field and not the value. Refused credentials, missing rights, a
// missing or closed index and the like are nothing a document can help: writing
// stops and is held until somebody puts it right, and the journal keeps what
// is to come, within its budget. Nothing else waits for it.
//
// # Nothing twice
//
// A data stream refuses a second create only in the index it writes to. So a
// document is looked up in the indices before, by its id, when it may be in one:
// when a request that held it ended without an answer, in the last two; and when
// it was made before the last rollover, in all that were written to since. The
// second rule needs no memory: it holds after a crash and during a rebuild. That
// is why setup refuses lifecycles under which indices go too fast.
//
// # Search
//
// The language of package query becomes _search, its groups composite
// aggregations. A keyword or leaf longer than document.IgnoreAbove is not found,
// and of patterns on a leaf of a flattened object the first ten thousand values
// are looked at. What was written is found after the next refresh, a second by
// default.
package elasticsearch
