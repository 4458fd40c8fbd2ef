// Package push is the delivery of Security Event Tokens by push (RFC 8935).
// Endpoint is the receiving end, an http.Handler that is a pipeline source;
// Client is the sending one. Who pushes, where the endpoint is mounted, what is
// signed and how the blocks of the configuration look is the business of the
// connectors that use it.
//
// # Promise of the endpoint
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
//
// # What answers mean to the client
//
// By PUSH-12; a dialect may mean something else by codes and waits:
//
//	202                                      taken
//	other 2xx                                taken, with a note
//	400 invalid_request, invalid_issuer,
//	    invalid_audience, invalid_state      refused for good
//	400 authentication_failed,
//	    access_denied, invalid_key           held: tried again at long intervals
//	400 with no or an unknown code           refused for good
//	401, 403, 407                            held
//	404, 405, 415, 421, 501, 505, 3xx        held: the endpoint is not what it should be
//	410, 413, other 4xx                      refused for good
//	408, 425, 429, other 5xx, 1xx, network   tried again, Retry-After is honoured
package push
