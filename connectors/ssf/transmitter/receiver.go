package transmitter

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Receiver configures who may have streams.
//
//	receiver "app" {
//	  audience = ["https://app.example.com"]
//	  token    = env("APP_TOKEN")
//	}
type Receiver struct {
	Name     string   `hcl:"name,label"`
	Audience []string `hcl:"audience"` // aud of its SETs; no stream of it can have another (SSF-TX-17)

	// Token is the bearer token by which the receiver manages its streams and
	// polls; TokenSHA256 are SHA-256 digests of such tokens, in hex. Of two a new
	// one can be in use before the old one is gone.
	Token       pipeline.Secret `hcl:"token,optional"`
	TokenSHA256 []string        `hcl:"token_sha256,optional"`
	ClientID    string          `hcl:"client_id,optional"` // of its access tokens of the authorization server
	Scopes      []string        `hcl:"scopes,optional"`    // of the tokens, and the most that an access token grants; ["ssf.manage"]

	// Events are those the receiver may be told, by catalogue name; without, all of
	// CAEP and RISC. Subjects are whom they may be about; without, all. What a
	// receiver asks for is interest and no entitlement (SSF-TX-74).
	Events   []string `hcl:"events,optional"`
	Subjects []string `hcl:"subjects,optional"`

	MaxStreams   int    `hcl:"max_streams,optional"`   // it may have at a time, those of the file aside; 4
	AllowPrivate bool   `hcl:"allow_private,optional"` // its push endpoints may be outside the public internet
	CAFile       string `hcl:"ca_file,optional"`       // PEM certificates its push endpoints are trusted by

	Streams []Declared `hcl:"stream,block"`
}

// Declared configures a stream of a receiver that the file states: the receiver
// sees it, and cannot change or delete it.
type Declared struct {
	Name     string   `hcl:"name,label"`
	Events   []string `hcl:"events,optional"` // delivered; all the receiver may be told
	Push     *Push    `hcl:"push,block"`
	Poll     *Poll    `hcl:"poll,block"`
	Describe string   `hcl:"description,optional"`
}

// Poll says that a receiver comes for its SETs (RFC 8936).
type Poll struct{}

// receiver is a Receiver at work.
type receiver struct {
	name         string
	audience     []string
	hashes       [][sha256.Size]byte
	scopes       []string
	supported    []string // event URIs, sorted
	subjects     []string
	maxStreams   int
	allowPrivate bool
	caFile       string
}

// The scopes of the CAEP interoperability profile (INTEROP-23). A scope covers
// those below it, as manage covers manage.poll.
const (
	scopeRead   = "ssf.read"
	scopeManage = "ssf.manage"
	scopePoll   = "ssf.manage.poll"
)

// ours reports whether a scope is one of this API.
func ours(scope string) bool {
	return permits([]string{scopeRead, scopeManage}, scope)
}

// permits reports whether the scopes granted cover the one an operation wants.
// To manage includes to read.
func permits(granted []string, want string) bool {
	return slices.ContainsFunc(granted, func(g string) bool {
		return g == want || strings.HasPrefix(want, g+".") || want == scopeRead && g == scopeManage
	})
}

// id is how a declared stream is known.
func (r *Receiver) id(d *Declared) string { return r.Name + "." + d.Name }

// validate reports the problems of a receiver whose fields start with path.
func (r *Receiver) validate(path string, add func(field, summary, detail string)) {
	at := func(field string) string { return path + "." + field }
	if len(r.Audience) == 0 || slices.Contains(r.Audience, "") {
		add(at("audience"), "no audience", "Name the receiver as it expects to be named, usually by a URL.")
	}
	if t := string(r.Token); t != "" && (len(t) < shortestToken || kind.AuthorizationProblem("Bearer "+t) != "" || strings.Contains(t, " ")) {
		add(at("token"), "unusable token", fmt.Sprintf("Give it alone, without a scheme: at least %d visible characters and no spaces, better 32 random ones.", shortestToken))
	}
	for i, h := range r.TokenSHA256 {
		if b, err := hex.DecodeString(h); err != nil || len(b) != sha256.Size {
			add(fmt.Sprintf("%s[%d]", at("token_sha256"), i), "not a SHA-256 digest",
				`Give 64 hexadecimal digits, as printf %s "$TOKEN" | sha256sum writes them.`)
		}
	}
	for i, s := range r.Scopes {
		if !ours(s) {
			add(fmt.Sprintf("%s[%d]", at("scopes"), i), fmt.Sprintf("unknown scope %q", s), "Use ssf.read, ssf.manage, or a narrower one such as ssf.manage.poll.")
		}
	}
	eventProblems(at("events"), r.Events, add)
	for i, p := range r.Subjects {
		if err := event.CheckPattern(p); err != nil {
			add(fmt.Sprintf("%s[%d]", at("subjects"), i), "unusable subject pattern", upper(err.Error())+".")
		}
	}
	if _, f := kind.Between(at("max_streams"), r.MaxStreams, 4, 1, 1000); f != nil {
		add(f.Field, f.Summary, f.Detail)
	}
	if r.credentials() == 0 && len(r.Streams) == 0 {
		add(path, fmt.Sprintf("receiver %q can have no stream", r.Name), "Give it a token to manage its streams by, or a stream block.")
	}
	seen := map[string]bool{}
	for i := range r.Streams {
		d := &r.Streams[i]
		here := fmt.Sprintf("%s.stream[%d]", path, i)
		if !plain(d.Name) {
			add(here, fmt.Sprintf("invalid name %q", d.Name), "Use letters, digits, dots, dashes and underscores, at most 64.")
		}
		if seen[d.Name] {
			add(here, fmt.Sprintf("stream %q given twice", d.Name), "Choose another name.")
		}
		seen[d.Name] = true
		d.validate(here, r, add)
	}
}

func (d *Declared) validate(path string, r *Receiver, add func(field, summary, detail string)) {
	eventProblems(path+".events", d.Events, add)
	switch {
	case d.Push == nil && d.Poll == nil:
		add(path, "no way to deliver", "Add a push block with the receiver's endpoint, or an empty poll block.")
	case d.Push != nil && d.Poll != nil:
		add(path, "two ways to deliver", "Remove one of push and poll.")
	case d.Push != nil:
		d.Push.validate(path+".push", add)
	case r.credentials() == 0:
		add(path+".poll", "nobody can poll", "Give the receiver a token: it shows it when it polls.")
	}
}

func (r *Receiver) credentials() int {
	n := len(r.TokenSHA256)
	if r.Token != "" {
		n++
	}
	if r.ClientID != "" {
		n++
	}
	return n
}

// shortestToken is the fewest characters a bearer token may have.
const shortestToken = 16

func plain(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	})
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// eventProblems reports names that are no events a stream can carry.
func eventProblems(path string, names []string, add func(field, summary, detail string)) {
	for i, n := range names {
		if t, ok := event.ByName(n); !ok || !streamable(t) {
			add(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("no event %q for streams", n),
				"Use short names of the catalogue, such as session-revoked or prov:deactivate: signalbox events lists them. What is about the stream itself is always sent.")
		}
	}
}

// streamable reports whether receivers can be told an event on their request. The
// variant of a dialect has the URI of what it varies, by which it is asked for.
func streamable(t *event.Type) bool {
	return t != event.Unknown && t.Family != "ssf" && t.Dialect == "" && t.Status != "deprecated"
}

// open makes the receiver of a valid configuration.
func (r *Receiver) open() *receiver {
	x := &receiver{
		name: r.Name, audience: r.Audience, scopes: r.Scopes, supported: uris(r.Events), subjects: r.Subjects,
		allowPrivate: r.AllowPrivate, caFile: r.CAFile,
	}
	x.maxStreams, _ = kind.Between("", r.MaxStreams, 4, 1, 1000)
	if len(x.scopes) == 0 {
		x.scopes = []string{scopeManage}
	}
	if r.Token != "" {
		x.hashes = append(x.hashes, sha256.Sum256([]byte(r.Token)))
	}
	for _, h := range r.TokenSHA256 {
		if b, err := hex.DecodeString(h); err == nil && len(b) == sha256.Size {
			x.hashes = append(x.hashes, [sha256.Size]byte(b))
		}
	}
	return x
}

// uris are the URIs of events by name, sorted. Without names they are those of
// CAEP and RISC: what else somebody may be told is said one by one.
func uris(names []string) (list []string) {
	for _, t := range event.Types() {
		named := slices.Contains(names, t.Name) || slices.Contains(names, t.Family+":"+t.Name)
		if streamable(t) && (named || len(names) == 0 && (t.Family == "caep" || t.Family == "risc")) {
			list = append(list, t.URI)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Grant is what a caller of the management API or of a poll endpoint showed that
// it may do.
type Grant struct {
	Receiver string // by its name in the configuration
	Scopes   []string
}

// Authenticator tells receivers by their bearer tokens.
type Authenticator interface {
	// Authenticate returns what the token grants, false if it is none of ours, and
	// an error if that cannot be told now. How long it takes tells nothing of a
	// secret.
	Authenticate(ctx context.Context, token string, now time.Time) (Grant, bool, error)
}

// statics are the tokens of the configuration.
type statics []*receiver

var _ Authenticator = statics(nil)

// Authenticate implements Authenticator. Every digest is compared with, whichever
// fits.
func (s statics) Authenticate(_ context.Context, token string, _ time.Time) (g Grant, ok bool, err error) {
	sum := sha256.Sum256([]byte(token))
	for _, r := range s {
		for i := range r.hashes {
			if subtle.ConstantTimeCompare(sum[:], r.hashes[i][:]) == 1 && !ok {
				g, ok = Grant{r.name, r.scopes}, true
			}
		}
	}
	return g, ok, nil
}

// validate reports the problems of a push block whose fields start with path.
func (p *Push) validate(path string, add func(field, summary, detail string)) {
	if problem := outbound.URLProblem(p.Endpoint, p.AllowPrivate); problem != "" {
		add(path+".endpoint", "unusable endpoint", problem)
	}
	if problem := outbound.CertificateProblem(p.ClientCert, p.ClientKey); problem != "" {
		add(path, "half a client certificate", problem)
	}
	if problem := kind.AuthorizationProblem(string(p.Authorization)); problem != "" {
		add(path+".authorization", "not an Authorization value", problem)
	}
	_, outOfRange := p.bounds(path)
	for _, f := range outOfRange {
		add(f.Field, f.Summary, f.Detail)
	}
}
