// Package state is what is remembered of users, devices and sessions.
//
// One event goes through it in four steps. Resolve finds the entities its
// subject names, by any identifier known of them. Load reads what is known,
// and what the event would change. AppendInput writes the document that rules
// see: the state before the event. Apply, after the decision, lets the event
// change it.
//
//	x, err := state.Resolve(tx, e)          // under the locks of x.Locks
//	v, err := state.Load(tx, x, e, options)
//	doc := v.AppendInput(nil, e, needs, now)
//	err = v.Apply(tx, facts)
//
// Everything is a pure function of the stored bytes and the event: replaying
// the same events in the same order gives the same bytes. Knowledge is ordered
// by event time, so an older statement never overwrites a newer one (F-14).
// All that is kept of one entity is bounded; what falls off is the oldest.
//
// # Keys
//
//	u/<id>    a user: identifiers, account, risk, devices, newest history
//	uh/<id>   its older history          us/<id>  its sessions
//	uf/<id>   facts of rules about it    l/u/<k>  the id an identifier leads to
//	d/<id>    a device; dh/, df/ and l/d/ as with users
//	s/<id>    the user and device of a session
//	w/<n>/<k> a window's count for one key value
//
// The id of an entity is the entity key of the identifier first seen.
// Whoever holds the lock on u/<id> may write every key of that user and those
// of all identifiers that lead to it; an identifier k that leads nowhere yet
// is covered by the lock on u/<k>. Devices likewise.
//
// It does not know rules, actions or where it is stored.
package state
