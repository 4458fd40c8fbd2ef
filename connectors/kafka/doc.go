// Package kafka is the source "kafka", which reads topics as a member of a
// consumer group, the sink "kafka", which states actions as signed Security
// Event Tokens in a topic, and the relay "kafka", which hands verified tokens on
// unchanged.
//
// # Promise of the source
//
// The position of a partition is given to the broker when everything before it
// has its durable outcome, and not before; it never goes back. How far a
// partition was brought is written by the line in the transaction that holds the
// outcome, so a crash between that and the commit repeats nothing. Where both
// differ, the further one is right: ours is ahead after a crash, the broker's
// where another member of the group went on.
//
// A partition has one worker. It hands over batches bounded in number and size
// and offers again what could not be done, while what comes after goes on; when
// the line is busy the partition is paused at the broker, so memory is bounded.
// Before a partition is given up, the batch in hand is finished or, when that
// takes too long, abandoned, and the last position is committed.
//
// What is refused is in the journal, whole. With a dead-letter topic it is also
// written there, at least once, by a reader of the journal with its own cursor.
//
// # Promise of sink and relay
//
// At least once, by an idempotent producer that waits for all replicas in sync.
// Records of one subject have one key, so they keep their order.
//
// The package knows no mapping and verifies nothing.
package kafka
