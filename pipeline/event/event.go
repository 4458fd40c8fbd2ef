// Package event is the vocabulary: what can be said about users, devices and
// sessions, and how the one spoken of is named.
//
// It holds the event catalogue (CAEP, RISC, SSF, SCIM, Okta's dialect and the
// local family for what has no standard event), subject identifiers of RFC 9493
// and SSF with their canonical keys and matching rules, and Event, the
// normalized statement that state, rules and documents work on.
//
// It does not parse tokens (package set), hold state or decide anything, and it
// imports nothing of the product but strictjson.
package event

import (
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Assurance says what stands behind a statement.
type Assurance string

// The degrees of assurance (design: names).
const (
	Signed   Assurance = "signed"   // a signature of the issuer was verified
	Channel  Assurance = "channel"  // trusted because of the channel it came by
	Internal Assurance = "internal" // made by the product itself
	None     Assurance = "none"     // not verified
)

// Event is one normalized statement. It is immutable once made.
type Event struct {
	ID         string    // deterministic id, "e-" and 26 characters; see pipeline ids
	Index      int       // position in its input
	Type       *Type     // catalogue entry; Unknown when the URI is not catalogued
	URI        string    // as received
	Source     string    // name of the configured source it came by
	Issuer     string    // who states it: iss of the SET, or the source's name
	Assurance  Assurance //
	Time       time.Time // when it happened (EVT-06)
	TimeSource string    // event_timestamp, toe, iat or received
	Received   time.Time // when the product first saw the input
	Txn        string    // transaction of the cause, as received or generated
	Subject    Subject   // primary subject
	Body       strictjson.Value
	ECS        []byte   // further fields of the Elastic Common Schema, from a mapping: JSON of one object, or nil; not to be modified
	Concepts   []string // what a rule may select by beside the type, see Type.Concepts
	Applied    []string // tolerance workarounds (LEGACY-nn) and hints, sorted
	Stale      bool     // older than the source allows an event to act on its own
}
