// Package ssf is the wire model that both roles of the Shared Signals Framework
// share: media types, delivery methods, the error object with its
// catalogue of codes, and how tokens are made of what is to be stated.
//
// The roles are packages of their own: receiver is the source "ssf",
// transmitter the sink "ssf". This package does no input or output.
package ssf

// Media types of RFC 8417, RFC 8935 and RFC 8936.
const (
	MediaTypeSET  = "application/secevent+jwt"
	MediaTypeJSON = "application/json"
)

// Delivery method URIs (SSF section 6.1, RFC 8935, RFC 8936).
const (
	DeliveryPush = "urn:ietf:rfc:8935"
	DeliveryPoll = "urn:ietf:rfc:8936"
)
