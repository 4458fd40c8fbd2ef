package kafka

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
)

// TLS encrypts the connections to the brokers and says by whom they are known.
type TLS struct {
	CAFile     string `hcl:"ca_file,optional"`     // PEM certificates trusted instead of the system's
	CertFile   string `hcl:"cert_file,optional"`   // PEM files shown to a broker that asks who connects
	KeyFile    string `hcl:"key_file,optional"`    //
	ServerName string `hcl:"server_name,optional"` // name in the brokers' certificates, when it is not the one they are reached by
}

// connection is what source, sink and relay have in common: how brokers are
// reached.
type connection struct {
	brokers   []string
	clientID  string
	plaintext bool
	tls       *TLS
	sasl      *SASL
}

const defaultClientID = "signalbox"

// How long one step of talking to a broker may take.
const (
	dialTime    = 10 * time.Second
	requestTime = 20 * time.Second
)

func (c connection) problems() kind.Problems {
	var problems kind.Problems
	add := problems.Add
	if len(c.brokers) == 0 {
		add("brokers", "no brokers", `Name at least one broker, such as "kafka-1.example.com:9093"; the others are learned from it.`)
	}
	abroad := ""
	for i, b := range c.brokers {
		host, port, err := net.SplitHostPort(b)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || host == "" || n < 1 || n > 65535 {
			add(fmt.Sprintf("brokers[%d]", i), fmt.Sprintf("invalid broker %q", b), `Write host and port, such as "kafka-1.example.com:9093".`)
			continue
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			abroad = b
		}
	}
	if abroad != "" && c.tls == nil && !c.plaintext {
		add("brokers", "connection without TLS", fmt.Sprintf("%s is not on this machine: add tls {}, or allow_plaintext = true if the network between is trusted by other means.", abroad))
	}
	if c.tls != nil && (c.tls.CertFile == "") != (c.tls.KeyFile == "") {
		add("tls", "half a client certificate", "Give both cert_file and key_file, or neither; they may name the same file.")
	}
	if c.sasl != nil {
		problems = append(problems, c.sasl.problems(c.tls != nil || abroad == "")...)
	}
	return problems
}

// options are those of a client. It reads the files of certificates.
func (c connection) options(env kind.Env) ([]kgo.Opt, error) {
	id := c.clientID
	if id == "" {
		id = defaultClientID
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(slices.Clone(c.brokers)...), kgo.ClientID(id), kgo.SoftwareNameAndVersion("signalbox", "1"),
		kgo.RetryTimeout(requestTime), kgo.WithLogger(logger{env.Logger()}),
	}
	if c.tls == nil {
		opts = append(opts, kgo.Dialer((&net.Dialer{Timeout: dialTime}).DialContext))
	} else {
		conf, err := c.tls.config(env)
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		opts = append(opts, kgo.DialTLSConfig(conf), kgo.DialTimeout(dialTime))
	}
	if c.sasl != nil {
		m, err := c.sasl.mechanism(env)
		if err != nil {
			return nil, fmt.Errorf("sasl: %w", err)
		}
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}

func (t *TLS) config(env kind.Env) (*tls.Config, error) {
	conf, err := outbound.Options{CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile}.TLS(env)
	if err == nil {
		conf.ServerName = t.ServerName
	}
	return conf, err
}
