package transmitter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// AuthorizationServer configures whose access tokens receivers may show beside
// tokens of the configuration: JWTs (RFC 9068) with the scopes ssf.read and
// ssf.manage. A receiver is told by its client_id.
//
//	authorization_server {
//	  issuer   = "https://login.example.com"
//	  jwks     = "https://login.example.com/jwks.json"
//	  audience = ["https://signals.example.com"]
//	}
type AuthorizationServer struct {
	Issuer       string   `hcl:"issuer"`                 // iss of its tokens
	JWKS         string   `hcl:"jwks"`                   // URL of its keys
	Audience     []string `hcl:"audience"`               // one of which must be in aud
	AllowPrivate bool     `hcl:"allow_private,optional"` // its keys may be outside the public internet
	CAFile       string   `hcl:"ca_file,optional"`       // PEM certificates trusted there instead of the system's
	// MaxLifetime is the longest time from nbf, or iat, to exp: a token that lives
	// longer is not accepted (INTEROP-21).
	MaxLifetime time.Duration `hcl:"max_lifetime,optional"` // "1h"
}

// lifetime is MaxLifetime with its default, and what is wrong with it.
func (s AuthorizationServer) lifetime() (time.Duration, *kind.FieldError) {
	return kind.Between("authorization_server.max_lifetime", s.MaxLifetime, time.Hour, time.Minute, 30*24*time.Hour)
}

// validateAccess reports the problems of the authorization server and of the
// client ids of receivers.
func (c *Config) validateAccess(add func(field, summary, detail string)) {
	seen := map[string]string{}
	for i := range c.Receivers {
		r := &c.Receivers[i]
		if r.ClientID == "" {
			continue
		}
		if c.Access == nil {
			add(fmt.Sprintf("receiver[%d].client_id", i), "no authorization server", "Add an authorization_server block: its access tokens carry the client id.")
		}
		if other, ok := seen[r.ClientID]; ok {
			add(fmt.Sprintf("receiver[%d].client_id", i), fmt.Sprintf("receiver %q has the client id of %q", r.Name, other),
				"Give each receiver a client of its own: it is how they are told apart.")
		}
		seen[r.ClientID] = r.Name
	}
	if c.Access == nil {
		return
	}
	if c.Access.Issuer == "" {
		add("authorization_server.issuer", "no issuer", "Give the iss of its access tokens.")
	}
	if problem := outbound.URLProblem(c.Access.JWKS, c.Access.AllowPrivate); problem != "" {
		add("authorization_server.jwks", "unusable jwks", problem)
	}
	if len(c.Access.Audience) == 0 || slices.Contains(c.Access.Audience, "") {
		add("authorization_server.audience", "no audience", "Say how the authorization server names this API in aud: tokens for others must not be taken here.")
	}
	if _, f := c.Access.lifetime(); f != nil {
		add(f.Field, f.Summary, f.Detail)
	}
	if len(seen) == 0 {
		add("authorization_server", "no receiver has a client id", "Add client_id to those that show its tokens.")
	}
}

// Bounds of access tokens and of judging them.
const (
	maxAccessToken = 16 << 10
	keyWait        = 10 * time.Second
	clockLeeway    = time.Minute
)

// accessPolicy is what access tokens must be like. The type at+jwt is wanted by
// RFC 9068 and not written by every server; a SET is none of these (SET-01).
var accessPolicy = jose.Policy{Algorithms: []string{"ES256", "RS256"}, Types: []string{"at+jwt", "jwt", ""}}

// external authenticates by access tokens of an authorization server.
type external struct {
	conf    AuthorizationServer
	most    time.Duration // between nbf and exp
	keys    jose.KeySet
	clients map[string]*receiver
	parser  jose.Parser
}

var _ Authenticator = (*external)(nil)

// open makes the authenticator. Nothing is fetched yet.
func (s AuthorizationServer) open(env kind.Env, clients map[string]*receiver) (*external, error) {
	client, err := outbound.Options{URL: s.JWKS, AllowPrivate: s.AllowPrivate, CAFile: s.CAFile, InFlight: 2}.Client(env)
	if err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	keys, err := jose.Remote(s.JWKS, client, jose.RemoteOptions{Now: env.Clock()})
	if err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	most, _ := s.lifetime()
	return &external{conf: s, most: most, keys: keys, clients: clients, parser: jose.Parser{MaxBytes: maxAccessToken}}, nil
}

// Authenticate implements Authenticator (RFC 9068 section 4). Claims are looked at
// once the signature holds.
func (x *external) Authenticate(ctx context.Context, token string, now time.Time) (g Grant, ok bool, err error) {
	c, err := x.parser.Parse([]byte(token))
	if err != nil {
		return g, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	if _, err := jose.Verify(ctx, c, x.keys, accessPolicy); err != nil {
		if _, final := errors.AsType[*jose.Error](err); final {
			return g, false, nil
		}
		return g, false, fmt.Errorf("judge an access token: %w", err)
	}
	claims, err := strictjson.Parse(c.Payload, strictjson.DefaultLimits)
	if err != nil || claims.Kind() != strictjson.Object {
		return g, false, nil
	}
	if claims.Get("iss").Text() != x.conf.Issuer || !slices.ContainsFunc(listed(claims.Get("aud")), func(a string) bool { return slices.Contains(x.conf.Audience, a) }) || !timely(claims, now, x.most) {
		return g, false, nil
	}
	r := x.clients[cmp.Or(claims.Get("client_id").Text(), claims.Get("azp").Text(), claims.Get("cid").Text())]
	if r == nil {
		return g, false, nil
	}
	g.Receiver = r.name
	for _, s := range append(listed(claims.Get("scope")), listed(claims.Get("scp"))...) {
		for _, s := range strings.Fields(s) {
			g.Scopes = append(g.Scopes, narrowed(s, r.scopes)...)
		}
	}
	return g, true, nil
}

// narrowed is what a scope grants of those a receiver can have.
func narrowed(scope string, most []string) (list []string) {
	if !ours(scope) {
		return nil
	}
	if permits(most, scope) {
		return []string{scope}
	}
	for _, m := range most {
		if permits([]string{scope}, m) {
			list = append(list, m)
		}
	}
	return list
}

// timely reports whether a token with an end is valid now, and was made for no
// longer than most. Of one that does not say when it began, what is left counts.
func timely(claims strictjson.Value, now time.Time, most time.Duration) bool {
	at := func(v strictjson.Value) float64 { f, _ := v.Float(); return f }
	seconds, leeway := float64(now.UnixMilli())/1000, clockLeeway.Seconds()
	ends, from, made := at(claims.Get("exp")), at(claims.Get("nbf")), at(claims.Get("iat"))
	began := cmp.Or(from, made, seconds)
	return claims.Get("exp").Kind() == strictjson.Number && ends > seconds-leeway &&
		from <= seconds+leeway && made <= seconds+leeway && ends-began <= most.Seconds()
}

// listed is a string, or the strings of an array.
func listed(v strictjson.Value) (list []string) {
	if v.Kind() == strictjson.String {
		return []string{v.Text()}
	}
	if v.Kind() != strictjson.Array {
		return nil
	}
	for e := range v.Elements() {
		if e.Kind() == strictjson.String {
			list = append(list, e.Text())
		}
	}
	return list
}

// either asks one authenticator after the other.
type either []Authenticator

// Authenticate implements Authenticator.
func (e either) Authenticate(ctx context.Context, token string, now time.Time) (Grant, bool, error) {
	for _, a := range e {
		if g, ok, err := a.Authenticate(ctx, token, now); ok || err != nil {
			return g, ok, err
		}
	}
	return Grant{}, false, nil
}
