package elasticsearch

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Config configures an index "elasticsearch".
//
//	index "elasticsearch" "soc" {
//	  addresses = ["https://localhost:9200"]
//	  api_key   = file("es.key")
//	}
type Config struct {
	Addresses []string `hcl:"addresses,optional"` // of nodes, or of what stands before them
	CloudID   string   `hcl:"cloud_id,optional"`  // instead, of a deployment in Elastic's cloud

	APIKey   pipeline.Secret `hcl:"api_key,optional"` // in the encoded form
	Username string          `hcl:"username,optional"`
	Password pipeline.Secret `hcl:"password,optional"`

	CAFile string `hcl:"ca_file,optional"` // PEM certificates trusted instead of the system's
	// Fingerprint is the SHA-256 of the only certificate to trust, of the server
	// or of the authority that signed its, as the server prints it at its first
	// start.
	Fingerprint string `hcl:"fingerprint,optional"`

	Namespace string        `hcl:"namespace,optional"` // last part of the data streams' names: "default"
	Compress  bool          `hcl:"compress,optional"`  // requests; for networks slower than a processor
	InFlight  int           `hcl:"in_flight,optional"` // most bulk requests at once: 2
	MaxBytes  int           `hcl:"max_bytes,optional"` // most bytes of a bulk request: 5 MiB
	Timeout   time.Duration `hcl:"timeout,optional"`   // of a request: 30 s

	Lifecycle *Lifecycle `hcl:"lifecycle,block"`
}

// Lifecycle says how long documents are kept.
type Lifecycle struct {
	// Policy names a policy of the cluster that is used for all streams and not
	// touched; the others are for those that setup makes.
	Policy       string        `hcl:"policy,optional"`
	RolloverAge  time.Duration `hcl:"rollover_age,optional"`  // 30 days
	RolloverSize string        `hcl:"rollover_size,optional"` // of a primary shard: "50gb"
	Keep         time.Duration `hcl:"keep,optional"`          // signals and alerts, from the rollover on: 365 days
	KeepDecided  time.Duration `hcl:"keep_decided,optional"`  // decisions, actions, audit: 730 days
	KeepErrors   time.Duration `hcl:"keep_errors,optional"`   // what nothing could read: 30 days
}

var _ kind.SinkConfig = (*Config)(nil)

const (
	day      = 24 * time.Hour
	mostKeep = 100 * 365 * day
)

// namePart is what a part of a data stream's name may be.
var namePart = regexp.MustCompile(`^[a-z0-9][a-z0-9_.]{0,99}$`)

// sizeForm is how Elasticsearch writes sizes.
var sizeForm = regexp.MustCompile(`^[1-9][0-9]{0,8}(kb|mb|gb|tb)$`)

func (c *Config) inFlight() (int, *kind.FieldError) {
	return kind.Between("in_flight", c.InFlight, 2, 1, 32)
}

func (c *Config) maxBytes() (int, *kind.FieldError) {
	return kind.Between("max_bytes", c.MaxBytes, 5<<20, 256<<10, 64<<20)
}

func (c *Config) timeout() (time.Duration, *kind.FieldError) {
	return kind.Between("timeout", c.Timeout, 30*time.Second, time.Second, 10*time.Minute)
}

func (c *Config) namespace() string {
	if c.Namespace == "" {
		return "default"
	}
	return c.Namespace
}

// Validate implements kind.SinkConfig.
func (c *Config) Validate() []kind.FieldError {
	var problems kind.Problems
	add := problems.Add
	_, inFlight := c.inFlight()
	_, maxBytes := c.maxBytes()
	_, timeout := c.timeout()
	problems.Note(inFlight, maxBytes, timeout)
	switch {
	case c.CloudID != "" && len(c.Addresses) > 0:
		add("cloud_id", "cloud_id beside addresses", "Both say where the cluster is: leave one out.")
	case c.CloudID != "":
		if _, err := cloudAddress(c.CloudID); err != nil {
			add("cloud_id", "invalid cloud_id", "Copy it from the page of the deployment: a name, a colon and letters.")
		}
	case len(c.Addresses) == 0:
		add("addresses", "no address", `Name at least one node, such as "https://es.example.com:9200", or give the cloud_id of a deployment.`)
	}
	for i, a := range c.Addresses {
		field := fmt.Sprintf("addresses[%d]", i)
		if text := outbound.URLProblem(a, true); text != "" {
			add(field, "invalid address", text)
		} else if u, err := url.Parse(a); err == nil && u.RawQuery != "" {
			add(field, "invalid address", "Remove what stands behind the question mark.")
		}
	}
	if text := kind.AuthorizationProblem(string(c.APIKey)); text != "" {
		add("api_key", "invalid key", text)
	}
	switch {
	case c.APIKey != "" && (c.Username != "" || c.Password != ""):
		add("api_key", "api_key beside a password", "Leave one out; an API key can be limited to what the product needs.")
	case (c.Username == "") != (c.Password == ""):
		add("username", "half a login", "Give both username and password, or an api_key.")
	case strings.Contains(c.Username, ":"):
		add("username", "invalid username", "It cannot hold a colon.")
	}
	if c.Fingerprint != "" {
		if _, err := parseFingerprint(c.Fingerprint); err != nil {
			add("fingerprint", "invalid fingerprint", "Give the SHA-256 of a certificate: 64 hexadecimal digits.")
		}
		if c.CAFile != "" {
			add("fingerprint", "fingerprint beside ca_file", "Both say whom to trust: leave one out.")
		}
	}
	if c.Namespace != "" && !namePart.MatchString(c.Namespace) {
		add("namespace", fmt.Sprintf("invalid namespace %q", c.Namespace), "Use lower-case letters, digits, dots and underscores, at most 100.")
	}
	if c.Lifecycle != nil {
		problems = append(problems, c.Lifecycle.problems()...)
	}
	return problems
}

func (l *Lifecycle) problems() []kind.FieldError {
	var problems kind.Problems
	for _, d := range []struct {
		field     string
		given     time.Duration
		otherwise time.Duration
	}{
		{"lifecycle.rollover_age", l.RolloverAge, 30 * day},
		{"lifecycle.keep", l.Keep, 365 * day},
		{"lifecycle.keep_decided", l.KeepDecided, 730 * day},
		{"lifecycle.keep_errors", l.KeepErrors, 30 * day},
	} {
		_, outside := kind.Between(d.field, d.given, d.otherwise, leastRollover, mostKeep)
		problems.Note(outside)
		if l.Policy != "" && d.given != 0 {
			problems.Add(d.field, "setting of a policy that is not ours", "The policy named decides: leave one out.")
		}
	}
	if l.RolloverSize != "" && (!sizeForm.MatchString(l.RolloverSize) || parseSize(l.RolloverSize) < leastRolloverSize) {
		problems.Add("lifecycle.rollover_size", "invalid size", `Write a whole number and kb, mb, gb or tb, such as "50gb"; at least 100mb.`)
	}
	return problems
}

// Open implements kind.SinkConfig. What it returns is also a query.Searcher and
// a query.Aggregator. It reads the files of certificates.
func (c *Config) Open(env kind.Env) (pipeline.Sink, error) {
	x, err := c.open(env)
	if err != nil {
		return nil, err
	}
	return x, nil
}

func (c *Config) open(env kind.Env) (*index, error) {
	client, err := c.client(env)
	if err != nil {
		return nil, fmt.Errorf("elasticsearch index: %w", err)
	}
	inFlight, _ := c.inFlight()
	maxBytes, _ := c.maxBytes()
	return newIndex(client, c.namespace(), inFlight, maxBytes, env), nil
}

// cloudAddress is where the Elasticsearch of a deployment is.
func cloudAddress(id string) (string, error) {
	_, encoded, ok := strings.Cut(id, ":")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	parts := strings.Split(string(raw), "$")
	if !ok || err != nil || len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return "", fmt.Errorf("cloud_id has not the form of one")
	}
	address := "https://" + parts[1] + "." + parts[0]
	if text := outbound.URLProblem(address, true); text != "" {
		return "", fmt.Errorf("cloud_id names no address: %s", text)
	}
	return address, nil
}

// parseFingerprint reads hexadecimal digits, with colons between or not.
func parseFingerprint(text string) (sum [32]byte, err error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err == nil && len(raw) != len(sum) {
		err = fmt.Errorf("%d bytes instead of %d", len(raw), len(sum))
	}
	if err == nil {
		copy(sum[:], raw)
	}
	return sum, err
}
