package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
)

// certificate is a pair of files that is read again when one of them changed.
// Safe for concurrent use.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu    sync.Mutex
	pair  *tls.Certificate
	print string
}

// tlsConfig is how the shared listener speaks TLS: 1.2 or later.
func tlsConfig(c *config.Config, log *slog.Logger, now time.Time) (*tls.Config, error) {
	x := &certificate{cert: c.TLS.CertFile, key: c.TLS.KeyFile, log: log}
	if c.TLS.SelfSigned {
		dir := filepath.Join(c.DataDir, "tls")
		x.cert, x.key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		if err := selfSign(dir, x.cert, x.key, now); err != nil {
			return nil, fmt.Errorf("make a certificate: %w", err)
		}
	}
	if err := x.read(x.look()); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: x.get}, nil
}

// get is asked at every handshake. A pair that cannot be used, such as one that is
// half written, leaves the one before in use.
func (x *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if now := x.look(); now != x.print {
		if err := x.read(now); err != nil {
			x.log.Warn("certificate cannot be used, the one before stays", "err", err)
			x.print = now // said once for each change
		} else {
			x.log.Info("certificate was read again", "file", x.cert)
		}
	}
	return x.pair, nil
}

// look tells whether a file changed, by times and sizes.
func (x *certificate) look() (print string) {
	for _, f := range []string{x.cert, x.key} {
		if info, err := os.Stat(f); err == nil {
			print += fmt.Sprint(info.Size(), info.ModTime().UnixNano(), " ")
		}
	}
	return print
}

func (x *certificate) read(print string) error {
	pair, err := tls.LoadX509KeyPair(x.cert, x.key)
	if err != nil {
		return err
	}
	x.pair, x.print = &pair, print
	return nil
}

// A certificate for trying out is valid so long, and one with less left than
// renewBefore is made anew at a start.
const (
	selfSignedFor = 90 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
)

// selfSign makes a pair for localhost unless there is one that lasts.
func selfSign(dir, cert, key string, now time.Time) error {
	switch pair, err := tls.LoadX509KeyPair(cert, key); {
	case err == nil && pair.Leaf.NotAfter.Sub(now) >= renewBefore:
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; remove %s to have a new pair made", err, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "signalbox, for trying out"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSignedFor),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, private.Public(), private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}
