package cli

import (
	"context"
	"errors"
	"flag"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/oauth"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/connectors/ssf/receiver"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Environment variables by which credentials for a transmitter are given; on a
// command line everybody on the machine could read them.
const (
	envAuthorization = "SIGNALBOX_STREAM_AUTHORIZATION"
	envClientSecret  = "SIGNALBOX_STREAM_CLIENT_SECRET"
	envPushSecret    = "SIGNALBOX_STREAM_PUSH_AUTHORIZATION"
)

const reachHelp = `
TRANSMITTER is the name of a source "ssf" of the configuration, which says how it
is reached, or the URL of an issuer. With a URL, credentials come from the
environment: SIGNALBOX_STREAM_AUTHORIZATION is the value of the Authorization
header; or SIGNALBOX_STREAM_CLIENT_SECRET with --token-url and --client-id gets a
token (OAuth 2.0 client credentials), as does --private-key in its place.
`

// reach is how a transmitter is reached, by flags.
type reach struct {
	call                              *call
	path                              *string
	tokenURL, clientID, method, scope *string
	key, cert, certKey, ca, wellKnown *string
	private                           *bool
}

func (c *call) reachFlags() reach {
	text := func(name, usage string) *string { return c.flags.String(name, "", usage) }
	return reach{
		call: c, path: c.configFlag(),
		tokenURL: text("token-url", "`URL` of the authorization server's token endpoint"), clientID: text("client-id", "our `name` there"),
		method: text("auth-method", "how we show who we are there: "+either(oauth.Methods)), scope: text("scope", "`scopes` to ask for, with commas"),
		key: text("private-key", "private key `file` for private_key_jwt"), cert: text("client-cert", "certificate `file` shown to the transmitter"),
		certKey: text("client-key", "private key `file` of the certificate"), ca: text("ca-file", "certificates `file` trusted instead of the system's"),
		wellKnown: text("well-known", "`name` of the metadata document of an old transmitter"),
		private:   c.flags.Bool("allow-private", false, "permit addresses that are not of the public internet"),
	}
}

// given lists the flags that say how a URL is reached and were written.
func (r reach) given() (names []string) {
	r.call.flags.Visit(func(f *flag.Flag) {
		if strings.Contains(" token-url client-id auth-method scope private-key client-cert client-key ca-file well-known allow-private ", " "+f.Name+" ") {
			names = append(names, "--"+f.Name)
		}
	})
	return names
}

// transmitter is who is called, and what the configuration wants of it.
type transmitter struct {
	*client.Client
	conf   *receiver.Config // of the source, or made of the flags
	env    kind.Env
	source string // "" for a URL
}

// open finds the transmitter.
func (r reach) open(arg string) (*transmitter, error) {
	t := &transmitter{}
	if strings.Contains(arg, "://") {
		t.conf = r.flagged(arg)
	} else {
		cfg, list := config.Load(*r.path, r.call.Env)
		if list.HasErrors() {
			return nil, r.call.refused(list)
		}
		if given := r.given(); given != nil {
			return nil, usagef("%s with a source of the configuration, which says how its transmitter is reached", given[0])
		}
		var names []string
		for _, s := range cfg.Sources {
			conf, ok := s.Config.(*receiver.Config)
			if !ok || conf.Transmitter == "" {
				continue
			}
			names = append(names, s.Name)
			if s.Name == arg {
				t.conf, t.source = conf, s.Name
				t.env = kind.Env{Name: s.Name, Dir: cfg.Dir, DataDir: cfg.DataDir}
			}
		}
		if t.conf == nil && len(names) == 0 {
			return nil, usagef("there is no source %q with a transmitter in %s; give the URL of an issuer", arg, *r.path)
		}
		if t.conf == nil {
			return nil, usagef("there is no source %q with a transmitter; there is %s", arg, strings.Join(names, ", "))
		}
	}
	for _, p := range t.conf.Validate() {
		return nil, usagef("%s: %s", p.Summary, p.Detail)
	}
	var err error
	if t.Client, err = t.conf.Client(t.env); err != nil {
		return nil, err
	}
	return t, nil
}

// flagged is the configuration that the flags and the environment make.
func (r reach) flagged(url string) *receiver.Config {
	conf := &receiver.Config{
		Issuer: url, Transmitter: url, WellKnown: *r.wellKnown, ClientCert: *r.cert, ClientKey: *r.certKey, CAFile: *r.ca, AllowPrivate: *r.private,
	}
	authorization, _ := r.call.Env(envAuthorization)
	secret, _ := r.call.Env(envClientSecret)
	conf.Authorization = pipeline.Secret(authorization)
	if *r.tokenURL != "" || *r.clientID != "" {
		conf.OAuth = &oauth.Config{
			TokenURL: *r.tokenURL, ClientID: *r.clientID, ClientSecret: pipeline.Secret(secret), Method: *r.method, PrivateKey: *r.key,
		}
		if *r.scope != "" {
			conf.OAuth.Scopes = strings.Split(*r.scope, ",")
		}
	}
	return conf
}

// streamID is the stream that is meant: the one named, the one the source uses,
// or the only one there is.
func (t *transmitter) streamID(ctx context.Context, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	if t.source != "" {
		id, err := t.conf.StreamID(t.env)
		if id != "" || err != nil {
			return id, err
		}
	}
	list, err := t.List(ctx)
	if err != nil {
		return "", err
	}
	if len(list) == 1 {
		return list[0].ID, nil
	}
	if len(list) == 0 {
		return "", errors.New("there is no stream at the transmitter; signalbox stream create makes one")
	}
	ids := make([]string, len(list))
	for i, s := range list {
		ids[i] = s.ID
	}
	return "", usagef("there are %d streams: choose one with --stream: %s", len(list), plain(strings.Join(ids, ", ")))
}
