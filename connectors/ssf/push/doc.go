// Package push is the delivery of Security Event Tokens by push (RFC 8935).
// Endpoint is the receiving end: an http.Handler that is a pipeline source. Who
// pushes, where the endpoint is mounted and how its block of the configuration
// looks is the business of the connectors that use it.
//
// # Promise
//
// A request is answered 202 when the outcome of its token is durable, and not
// before; repeated, reused and discarded tokens are answered like new ones
// (PUSH-09). A token that will never be taken is answered 400 with an error
// object. Whatever keeps an outcome from becoming durable is answered 503 or
// 429 with Retry-After, and the transmitter tries again. Nothing is dropped:
// when a peer goes away before the answer, its token is handled all the same
// and only the answer is lost.
//
// # Order of checks
//
// What costs least comes first (PUSH-17): method, content type, sender,
// rate, announced length, free slot; only then the body is read, under a bound
// and a time limit. Verification is the handler's.
//
// # Batches
//
// Concurrent requests share transactions: a worker takes all that queued while
// the last commit ran and hands it over as one batch. Nobody lingers to fill
// one.
package push
