package outbound

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ocsp"
)

// mustStaple is the extension of a certificate whose holder always says how it
// stands, and its value (RFC 7633).
var (
	mustStaple      = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	mustStapleValue = []byte{0x30, 0x03, 0x02, 0x01, 0x05}
)

// revoked looks at what the peer's authority says of its certificate, as the
// peer stapled it to the handshake (RFC 6066 section 8): one that was revoked is
// not connected to (INTEROP-02). Where nothing is stapled, or what is out of
// date, only a certificate that promises a staple is refused. No responder is
// asked: whoever stands before a peer can stand before its responder, which would
// also learn whom we talk to.
func revoked(s tls.ConnectionState, now time.Time) error {
	if len(s.VerifiedChains) == 0 {
		return errors.New("the certificate was not verified")
	}
	chain := s.VerifiedChains[0]
	leaf, issuer := chain[0], chain[min(1, len(chain)-1)]
	stapled := false
	if len(s.OCSPResponse) > 0 {
		r, err := ocsp.ParseResponseForCert(s.OCSPResponse, leaf, issuer)
		if err != nil {
			return fmt.Errorf("the status of the certificate cannot be read: %w", err)
		}
		if r.Status == ocsp.Revoked {
			return fmt.Errorf("the certificate was revoked on %s", r.RevokedAt.UTC().Format(time.DateOnly))
		}
		stapled = r.Status == ocsp.Good && (r.NextUpdate.IsZero() || now.Before(r.NextUpdate))
	}
	if !stapled && promises(leaf) {
		return errors.New("the certificate promises to say that it was not revoked, and the peer does not say it")
	}
	return nil
}

func promises(leaf *x509.Certificate) bool {
	for _, e := range leaf.Extensions {
		if e.Id.Equal(mustStaple) && bytes.Equal(e.Value, mustStapleValue) {
			return true
		}
	}
	return false
}
