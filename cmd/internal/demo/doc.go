// Package demo plays the threat-alert story of the FIDO Alliance's white paper
// on shared signals, with the whole product in the middle: an identity provider
// and a threat feed push signed Security Event Tokens, the product correlates
// and decides, two applications and the identity provider take its tokens, check
// them against its key set, and act.
//
// Everything is in one process and talks HTTP on loopback. The product is package
// app under a config.hcl written into a directory of its own, and is asked through
// its api socket like any other; nothing in it knows of the demo. The other
// parties are written here, with nothing but a key, an HTTP server and the
// product's packages for tokens.
//
// The story is its own test: Play compares what happened with what had to happen.
package demo
