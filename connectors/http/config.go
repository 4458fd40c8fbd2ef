package http

import (
	"fmt"
	"maps"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Config configures a sink "http".
//
//	sink "http" "directory" {
//	  url           = "https://directory.example.com/api/v1"
//	  authorization = env("DIRECTORY_AUTHORIZATION")
//	  already       = [409]
//	}
type Config struct {
	// URL is where the peer is called: https, or http to this machine. The paths
	// of actions are appended to it. It may come from env() or file(): with many
	// chats it is the credential.
	URL    string `hcl:"url"`
	Method string `hcl:"method,optional"` // of actions that name none; "POST"

	// Authorization is the value of the Authorization header, sent exactly as
	// it stands.
	Authorization pipeline.Secret `hcl:"authorization,optional"`
	// Headers are sent with every request; SecretHeaders too, and are never
	// shown.
	Headers       map[string]string          `hcl:"headers,optional"`
	SecretHeaders map[string]pipeline.Secret `hcl:"secret_headers,optional"`
	// IdempotencyHeader carries the id of the delivery, the same at every try;
	// "Idempotency-Key". The empty text sends none.
	IdempotencyHeader *string `hcl:"idempotency_header,optional"`

	Success []int `hcl:"success,optional"` // statuses that mean done; all of 2xx
	Already []int `hcl:"already,optional"` // statuses that mean it was so before, such as 409 or 404
	Refused []int `hcl:"refused,optional"` // statuses that mean it never will be, beyond those that do anyway

	Authority    bool   `hcl:"authority,optional"`     // our word is the change: facts may be stated that no call brought about
	AllowPrivate bool   `hcl:"allow_private,optional"` // permit addresses that are not of the public internet
	CAFile       string `hcl:"ca_file,optional"`       // PEM certificates trusted instead of the system's
	ClientCert   string `hcl:"client_cert,optional"`   // PEM certificate chain shown to a peer that asks who connects
	ClientKey    string `hcl:"client_key,optional"`    // PEM key of it

	Timeout     time.Duration `hcl:"timeout,optional"`       // for one request, answer included; "15s"
	MaxInFlight int           `hcl:"max_in_flight,optional"` // requests at a time; 8
	MaxBytes    int           `hcl:"max_bytes,optional"`     // read of an answer; 65536
}

var _ kind.SinkConfig = (*Config)(nil)

// Calls marks the kind as one that actions may call with do.
func (c *Config) Calls() {}

// methods are those an action may use.
var methods = []string{"POST", "PUT", "PATCH", "DELETE", "GET"}

func (c *Config) method() string {
	if c.Method == "" {
		return methods[0]
	}
	return c.Method
}

func (c *Config) idempotencyHeader() string {
	if c.IdempotencyHeader == nil {
		return "Idempotency-Key"
	}
	return *c.IdempotencyHeader
}

type bounds struct {
	timeout  time.Duration
	inFlight int
	bytes    int
}

// bounds fills in the defaults and reports what is out of range.
func (c *Config) bounds() (b bounds, problems kind.Problems) {
	var f, g, h *kind.FieldError
	b.timeout, f = kind.Between("timeout", c.Timeout, 15*time.Second, 100*time.Millisecond, time.Minute)
	b.inFlight, g = kind.Between("max_in_flight", c.MaxInFlight, 8, 1, 256)
	b.bytes, h = kind.Between("max_bytes", c.MaxBytes, 64<<10, 1024, 16<<20)
	problems.Note(f, g, h)
	return b, problems
}

// Validate implements kind.SinkConfig.
func (c *Config) Validate() []kind.FieldError {
	var problems kind.Problems
	add := problems.Add
	if problem := outbound.URLProblem(c.URL, c.AllowPrivate); problem != "" {
		add("url", "unusable url", problem)
	}
	if !slices.Contains(methods, c.method()) {
		add("method", "unknown method", "Use one of "+strings.Join(methods, ", ")+".")
	}
	if problem := kind.AuthorizationProblem(string(c.Authorization)); problem != "" {
		add("authorization", "not an Authorization value", problem)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if problem := headerProblem(name, c.Headers[name]); problem != "" {
			add("headers", "unusable header", problem)
		}
		if _, twice := c.SecretHeaders[name]; twice {
			add("secret_headers", "header given twice", fmt.Sprintf("%q stands in headers, too; remove it from one of them.", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.SecretHeaders)) {
		if problem := headerProblem(name, string(c.SecretHeaders[name])); problem != "" {
			add("secret_headers", "unusable header", problem)
		}
	}
	if name := c.idempotencyHeader(); name != "" {
		if problem := headerProblem(name, ""); problem != "" {
			add("idempotency_header", "unusable header", problem)
		}
	}
	problems = append(problems, c.statusProblems()...)
	if problem := outbound.CertificateProblem(c.ClientCert, c.ClientKey); problem != "" {
		add("", "half a client certificate", problem)
	}
	_, outOfRange := c.bounds()
	return append(problems, outOfRange...)
}

// statusProblems reports statuses that cannot mean what a list says.
func (c *Config) statusProblems() (problems kind.Problems) {
	where := map[int]string{}
	for _, l := range []struct {
		field       string
		list        []int
		least, most int
	}{{"success", c.Success, 200, 299}, {"already", c.Already, 400, 499}, {"refused", c.Refused, 400, 599}} {
		for _, status := range l.list {
			switch other := where[status]; {
			case status < l.least || status > l.most:
				problems.Add(l.field, fmt.Sprintf("status %d cannot stand here", status),
					fmt.Sprintf("Give statuses from %d to %d.", l.least, l.most))
			case other != "":
				problems.Add(l.field, fmt.Sprintf("status %d given twice", status),
					fmt.Sprintf("It stands in %s already; a status means one thing.", other))
			}
			where[status] = l.field
		}
	}
	return problems
}

// ours are the headers that have an attribute of their own or belong to the
// transport.
var ours = map[string]string{
	"Authorization":     "Use the attribute authorization.",
	"Host":              "It follows from the url.",
	"Content-Length":    "It follows from the body.",
	"Transfer-Encoding": "It follows from the body.",
	"Accept-Encoding":   "Answers are never decompressed.",
	"Connection":        "It belongs to the connection.",
	"Te":                "It belongs to the connection.",
	"Trailer":           "It belongs to the connection.",
	"Upgrade":           "It belongs to the connection.",
	"Expect":            "It belongs to the connection.",
}

// longestHeader bounds a configured value, in bytes.
const longestHeader = 4096

// headerProblem says why a header cannot be sent, without its value.
func headerProblem(name, value string) string {
	token := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}
	why := ours[textproto.CanonicalMIMEHeaderKey(name)]
	switch {
	case name == "" || len(name) > 128 || strings.ContainsFunc(name, func(r rune) bool { return !token(r) }):
		return fmt.Sprintf("%q is no name of a header (RFC 9110 section 5.6.2).", name)
	case why != "":
		return fmt.Sprintf("%s cannot be set here. %s", name, why)
	case len(value) > longestHeader:
		return fmt.Sprintf("The value of %s is longer than %d bytes.", name, longestHeader)
	case strings.TrimSpace(value) != value:
		return fmt.Sprintf("The value of %s begins or ends with white space; a file with a trailing line break is a common cause.", name)
	case strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r > 0x7e }):
		return fmt.Sprintf("The value of %s holds characters that a header cannot carry; use visible ASCII characters and spaces.", name)
	}
	return ""
}

// Open implements kind.SinkConfig. It reads the files of certificates.
func (c *Config) Open(env kind.Env) (pipeline.Sink, error) {
	base, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("http sink: url: %w", outbound.Cause(err))
	}
	b, _ := c.bounds()
	client, err := outbound.Options{
		URL: c.URL, AllowPrivate: c.AllowPrivate, InFlight: b.inFlight,
		CAFile: c.CAFile, CertFile: c.ClientCert, KeyFile: c.ClientKey,
	}.Client(env)
	if err != nil {
		return nil, fmt.Errorf("http sink: %w", err)
	}
	return newSink(c, env, base, client), nil
}
