// Package jose reads, verifies and signs the compact JWS form of tokens, and
// keeps the keys this takes.
//
// It is the only importer of the JOSE library. What the library is not asked
// for is done on the received bytes: a token is split, its header read by
// strictjson and its signing input taken as it came, so nothing is encoded
// again. The signature itself is always checked by the library's verifier of
// the algorithm.
//
// Everything fails closed. A token chooses neither its algorithm nor its key:
// the caller's Policy and the issuer's KeySet do, and a header that tries to
// (jku, jwk, x5u, x5c, crit, b64, none, HMAC) is refused before any key is
// looked for (JWT-01 to JWT-07).
//
// The package knows nothing of claims; that is package set.
package jose
