// Package set verifies, builds and shows Security Event Tokens (RFC 8417) as
// the Shared Signals Framework uses them.
//
// Who may speak is a list of issuers, each with its key set, the audience its
// tokens must name, and the rule set they are held against:
//
//	ssf      SSF 1.0, strictly
//	interop  the same under the CAEP interoperability profile: one event, signed
//	         with RS256, with a reason (INTEROP-17 to -29)
//	scim     SSF with the SCIM events of RFC 9967: all that one transaction did to
//	         a resource in one token (SCIM-01 to -11)
//	okta     Okta's dialect: several events, each with its subject inside (OKTA-02
//	         to -09)
//	legacy   SSF, and what senders of earlier drafts get wrong is read as they
//	         meant it, each time noted in Signal.Applied (LEGACY-01 to -16)
//
// A rule set is a file with a row of the table in ruleset.go.
//
// Verification fails closed and in an order that gives strangers nothing: form
// of the token, issuer, type, algorithm, key, signature, and only then what the
// token says. A refusal is a *pipeline.RejectError with the code RFC 8935 has
// for it. Anything else that goes wrong means that the keys are out of reach.
//
// The package holds no state: repeats are told by the store, and states of
// verification requests by a StateChecker.
package set
