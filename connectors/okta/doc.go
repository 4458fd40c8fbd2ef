// Package okta speaks Okta's dialect of the Shared Signals Framework both ways
// (Okta's "SSF Security Event Tokens" API).
//
// # Source
//
// The source "okta" is that API for those who send: a provider that was built to
// push to an Okta org is pointed here and nothing of it is changed. The issuers
// it carries need the rule set "okta"; what their tokens may say is decided
// there. As at Okta, nobody but the signature says who sends: several providers
// push to one path and are told apart by the verified iss.
//
//	POST /security/api/v1/security-events, application/secevent+jwt
//
//	202  taken, empty body (OKTA-01)
//	400  {"err", "description"}; err is invalid_request, invalid_key,
//	     invalid_issuer, invalid_audience or authentication_failed, and the
//	     description names the member by the name it has in the token
//	405, 408, 413, 415  as of any push endpoint, empty body
//	429  X-Rate-Limit-Limit, -Remaining and -Reset, and Okta's error object
//	503  not now: Retry-After
//
// # Sink
//
// The sink "okta" states what the product did to an Okta org, where it is
// registered as a security events provider (OKTA-08), in the events that Okta
// takes:
//
//	emitted                    sent as
//	session-revoked            session-revoked
//	device-compliance-change   device-compliance-change
//	identifier-changed         identifier-changed
//	risk-level-change          user-risk-change or device-risk-change,
//	                           by its principal
//	user-risk-change, device-risk-change, ip-change  themselves
//
// The subject goes into the event, as members user, device and tenant
// (OKTA-03, OKTA-04); risk levels are in lower case and a missing previous one
// is "none" (OKTA-06); one event per token; signed with RS256 (OKTA-02). What
// Okta's answers mean:
//
//	202                                      taken
//	400 invalid_request, invalid_audience    refused for good
//	400 authentication_failed, invalid_key   held: Okta has not fetched our keys yet
//	400 invalid_issuer                       held: the provider is not registered yet
//	401, 403, 404                            held
//	429                                      tried again at X-Rate-Limit-Reset or
//	                                         after Retry-After, the later of them,
//	                                         within an hour
//	everything else                          as of any receiver, see package push
//
// # Not for
//
// Okta as a transmitter: that is a source "ssf". Okta's management API, such as
// registering the provider, which is an administrator's.
package okta
