package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/pipeline/set"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// runSet makes tokens for trying things out, and lays tokens open.
func runSet(ctx context.Context, c *call) error {
	if len(c.args) > 0 {
		switch sub := c.args[0]; sub {
		case "sign":
			c.enter(sub)
			return c.setSign(ctx)
		case "inspect":
			c.enter(sub)
			return c.setInspect(ctx)
		case "verify":
			c.enter(sub)
			return c.setVerify(ctx)
		}
	}
	c.usage = func() {
		fmt.Fprint(c.Out, "Usage: signalbox set sign [flags]\n       signalbox set inspect [flags] FILE\n       signalbox set verify [flags] FILE\n\nMake a signed token for trying things out, look into one, or verify some.\nRun signalbox set sign -h for its flags.\n")
	}
	if _, err := c.parse(); err != nil {
		return err
	}
	return usagef("say what to do: sign, inspect or verify")
}

// setSign prints one signed token. It refuses what no token can be and only
// warns of what a receiver will refuse, so that refusals can be tried, too.
func (c *call) setSign(context.Context) error {
	path := c.configFlag()
	issuer := c.flags.String("issuer", "", "`URL` of who says it (iss)")
	audience := c.flags.String("audience", "", "`URL` of who is told (aud); several with commas")
	name := c.flags.String("event", "", "event `name`, such as session-revoked, or its whole URI")
	about := c.flags.String("subject", "", "whom it is about: a `key` such as jane@example.com or opaque:u-1, or a subject identifier as JSON; without it, member subject of the payload says so, as in tokens of Okta's and Google's dialects")
	body := c.flags.String("body", "{}", "payload of the event as `JSON`, or @FILE")
	key := c.flags.String("key", "", "private key `file`, PKCS #8 in PEM form; default the product's own key")
	txn := c.flags.String("txn", "", "transaction `id`")
	jti := c.flags.String("jti", "", "token `id`; default a random one")
	c.usage = func() {
		fmt.Fprint(c.Out, "Usage: signalbox set sign [flags]\n\nPrint a signed Security Event Token.\n")
		c.printFlags()
	}
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	for _, f := range []struct{ name, value string }{{"issuer", *issuer}, {"audience", *audience}, {"event", *name}} {
		if f.value == "" {
			return usagef("give --%s", f.name)
		}
	}
	claims := set.Claims{Issuer: *issuer, Audience: strings.Split(*audience, ","), IssuedAt: time.Now(), JTI: *jti, Txn: *txn}
	if claims.JTI == "" {
		claims.JTI = strings.ToLower(rand.Text())
	}
	typ, uri, err := eventArg(*name)
	if err != nil {
		return err
	}
	claims.Event = uri
	if claims.Body, err = bodyArg(*body); err != nil {
		return err
	}
	v, err := strictjson.Parse(claims.Body, strictjson.DefaultLimits)
	if err != nil {
		return usagef("--body: %v", err)
	}
	if err := typ.Check(v); err != nil {
		fmt.Fprintf(c.Err, "Note: receivers may refuse this token: %v\n", err)
	}
	switch claims.Inside = *about == ""; {
	case claims.Inside && !v.Get("subject").Exists():
		return usagef("give --subject, or a payload with the member subject")
	case !claims.Inside:
		if claims.Subject, err = subjectArg(*about); err != nil {
			return usagef("--subject: %v", err)
		}
	}
	payload, err := set.Build(claims)
	if err != nil {
		return err
	}
	signer, err := c.signer(*key, *path)
	if err != nil {
		return err
	}
	token, err := signer.Sign(payload)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%s\n", token)
	return err
}

// signer is the key of a file, or the product's own.
func (c *call) signer(file, config string) (*jose.Signer, error) {
	if file != "" {
		return jose.LoadSigner(file)
	}
	keys, err := c.ownKeys(config)
	if err != nil {
		return nil, err
	}
	return keys.Signer(jose.DefaultSigning)
}

// subjectArg reads a canonical key, a bare e-mail address, or a subject
// identifier (RFC 9493) as JSON, which complex ones need.
func subjectArg(text string) (s event.Subject, err error) {
	if strings.HasPrefix(text, "{") {
		return s, json.Unmarshal([]byte(text), &s)
	}
	return event.ParseKey(text)
}

// eventArg finds an event by name; a URI may also be one nobody knows.
func eventArg(name string) (typ *event.Type, uri string, err error) {
	if t, ok := event.ByName(name); ok && t.URI != "" {
		return t, t.URI, nil
	}
	if strings.Contains(name, "://") || strings.HasPrefix(name, "urn:") {
		t, _ := event.Lookup(name, "")
		return t, name, nil
	}
	if near := nearest.Name(name, event.QualifiedNames()); near != "" {
		return nil, "", usagef("--event: there is no event %q; did you mean %q?", name, near)
	}
	return nil, "", usagef("--event: there is no event %q; give a name of the catalogue or a URI", name)
}

// bodyArg is the text itself, or what the file holds that it names.
func bodyArg(text string) ([]byte, error) {
	if name, ok := strings.CutPrefix(text, "@"); ok {
		return os.ReadFile(name)
	}
	return []byte(text), nil
}

// setInspect prints what a token says without verifying it, and says so.
func (c *call) setInspect(context.Context) error {
	format := c.formatFlag("text", "json")
	c.usage = func() {
		fmt.Fprint(c.Out, "Usage: signalbox set inspect [flags] FILE\n\nShow what a token says; - is standard input. Nothing is verified.\n")
		c.printFlags()
	}
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("give one file; - is standard input")
	}
	token, err := c.readFile(rest[0], 2*jose.DefaultMaxBytes)
	if err != nil {
		return err
	}
	d, err := set.Inspect(token)
	if err != nil {
		return err
	}
	if *format == "json" {
		return writeJSON(c.Out, struct {
			Verified       bool            `json:"verified"`
			Header         json.RawMessage `json:"header"`
			Claims         json.RawMessage `json:"claims"`
			SignatureBytes int             `json:"signature_bytes"`
		}{false, d.Header, d.Claims, d.SignatureBytes})
	}
	paint := coloursFor(c.Out, c.Env)
	_, err = fmt.Fprintf(c.Out, "%s anybody could have written this. signalbox set verify does, with the keys of whom it should be of.\n\n%s\n%s\n\n%s\n%s\n\n%s %d bytes, not checked\n",
		paint.yellow("Not verified:"), paint.bold("header"), d.Header, paint.bold("claims"), d.Claims, paint.bold("signature"), d.SignatureBytes)
	return err
}
