// Package state is what is remembered of users, devices and sessions.
//
// An event is resolved to the entities it speaks of, what is known of them is
// loaded, rules see it, and after the decision the event changes it.
package state
