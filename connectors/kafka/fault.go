package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// advised is an error with what to do about it.
type advised struct {
	err    error
	advice string
}

func (e *advised) Error() string { return e.err.Error() + ": " + e.advice }
func (e *advised) Unwrap() error { return e.err }

// advise adds to an error of the client what an operator can do about it.
func advise(err error) error {
	if err == nil {
		return nil
	}
	if a := adviceFor(err); a != "" {
		return &advised{err, a}
	}
	return err
}

func adviceFor(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var first *kgo.ErrFirstReadEOF
	var op *net.OpError
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "check username, password or token of sasl, and that the broker has this user"
	case errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return "the broker does not offer this sasl mechanism on this port"
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return "give the user the right to the topic (Read and Describe for a source, Write and Describe to write)"
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return "give the user the right Read to the consumer group"
	case errors.Is(err, kerr.ClusterAuthorizationFailed), errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return "give the user the right IdempotentWrite to the cluster"
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return "make the topic, or correct its name"
	case errors.Is(err, kerr.UnknownTopicID):
		return "the topic was deleted and made again; it is read anew from its start"
	case errors.Is(err, kerr.InconsistentGroupProtocol):
		return "other members of the group use another way of balancing; give this product a group of its own"
	case errors.As(err, &unknown):
		return "the broker's certificate is of an authority nobody here trusts; name it with ca_file in tls"
	case errors.As(err, &host):
		return "connect by a name that stands in the broker's certificate, or set server_name in tls"
	case errors.As(err, &invalid):
		return "the broker's certificate is not valid now"
	case errors.As(err, &record):
		return "the port does not speak TLS; leave out tls, or use the TLS port"
	case errors.As(err, &first), errors.Is(err, io.EOF):
		return "the broker closed the connection at once; the port may want tls, a client certificate or sasl, or refuses the login"
	case errors.As(err, &op), errors.Is(err, kgo.ErrRecordTimeout), errors.Is(err, context.DeadlineExceeded):
		return "check brokers, their advertised addresses and the network between"
	}
	return ""
}

// needsSomebody reports whether a fault stays until somebody puts
// configuration or rights in order.
func needsSomebody(err error) bool {
	for _, e := range []error{
		kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState, kerr.TopicAuthorizationFailed,
		kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed,
		kerr.InconsistentGroupProtocol, kerr.InvalidTopicException,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
