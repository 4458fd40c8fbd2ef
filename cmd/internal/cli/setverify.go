package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/set"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// maxTokensFile bounds what set verify reads.
const maxTokensFile = 16 << 20

// verified is what set verify tells of one token.
type verified struct {
	Verified bool     `json:"verified"`
	JTI      string   `json:"jti,omitempty"`
	Events   []string `json:"events,omitempty"`
	Subject  string   `json:"subject,omitempty"` // canonical key
	Issuer   string   `json:"issuer,omitempty"`
	IssuedAt string   `json:"issued_at,omitempty"`
	Alg      string   `json:"alg,omitempty"`
	Key      string   `json:"key,omitempty"`
	Error    string   `json:"error,omitempty"`
}

// setVerify checks tokens as a receiver does, with a key set at hand.
func (c *call) setVerify(ctx context.Context) error {
	keys := c.flags.String("jwks", "", "`file` with the issuer's key set")
	issuer := c.flags.String("issuer", "", "`URL` that must have said it (iss)")
	audience := c.flags.String("audience", "", "`URL` that must be told (aud)")
	format := c.formatFlag("text", "json")
	c.usage = func() {
		fmt.Fprint(c.Out, `Usage: signalbox set verify [flags] FILE

Verify tokens as a receiver does: signature, issuer, audience and form. FILE has
one token a line, or is what a poll answered (RFC 8936); - is standard input.
Ends with 1 when one does not verify, or none is there.

`)
		c.printFlags()
	}
	rest, err := c.parse()
	if err != nil {
		return err
	}
	for _, f := range []struct{ name, value string }{{"jwks", *keys}, {"issuer", *issuer}, {"audience", *audience}} {
		if f.value == "" {
			return usagef("give --%s", f.name)
		}
	}
	if len(rest) != 1 {
		return usagef("give one file; - is standard input")
	}
	jwks, err := c.readFile(*keys, maxKeyFile)
	if err != nil {
		return err
	}
	known, err := jose.Static(jwks)
	if err != nil {
		return fmt.Errorf("--jwks %s: %w", *keys, err)
	}
	v, err := set.New([]set.Issuer{{URL: *issuer, Keys: known, Audience: []string{*audience}}}, set.Options{})
	if err != nil {
		return err
	}
	text, err := c.readFile(rest[0], maxTokensFile)
	if err != nil {
		return err
	}
	messages, err := tokensIn(text)
	if err != nil {
		return fmt.Errorf("%s: %w", rest[0], err)
	}
	list, good := make([]verified, len(messages)), len(messages) > 0
	for i, m := range messages {
		list[i] = judge(ctx, v, m)
		good = good && list[i].Verified
	}
	if *format == "json" {
		err = writeJSON(c.Out, list)
	} else {
		c.printVerified(list)
	}
	if err == nil && !good {
		err = &quietError{exitFailure}
	}
	return err
}

// tokensIn finds the tokens of a text: the sets of a poll's answer, each under
// the name it was delivered by, or the lines.
func tokensIn(text []byte) (list []pipeline.Message, err error) {
	now := time.Now()
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("{")) {
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				list = append(list, pipeline.Message{Body: line, Received: now})
			}
		}
		return list, nil
	}
	answer, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxTokensFile})
	if err != nil {
		return nil, err
	}
	for jti, token := range answer.Get("sets").Members() {
		list = append(list, pipeline.Message{Body: []byte(token.Text()), JTI: jti, Received: now})
	}
	return list, nil
}

func judge(ctx context.Context, v *set.Verifier, m pipeline.Message) verified {
	s, err := v.Verify(ctx, m)
	if err != nil {
		x := verified{JTI: m.JTI, Error: err.Error()}
		if r := (*pipeline.RejectError)(nil); errors.As(err, &r) && r.JTI != "" {
			x.JTI = r.JTI
		}
		return x
	}
	x := verified{Verified: true, JTI: s.JTI, Issuer: s.Issuer, IssuedAt: s.IssuedAt.UTC().Format(time.RFC3339), Alg: s.Alg, Key: s.KeyID, Subject: s.Subject.Key()}
	for _, e := range s.Events {
		x.Events = append(x.Events, e.Type.Name)
	}
	return x
}

func (c *call) printVerified(list []verified) {
	paint := coloursFor(c.Out, c.Env)
	for _, x := range list {
		if !x.Verified {
			fmt.Fprintf(c.Out, "%s  %s  %s\n", paint.red("NOT VERIFIED"), plain(x.JTI), plain(x.Error))
			continue
		}
		for _, e := range x.Events {
			fmt.Fprintf(c.Out, "%s  %s for %s  %s  jti %s  %s with key %s\n", paint.green("verified"), plain(e), plain(x.Subject), x.IssuedAt, plain(x.JTI), x.Alg, plain(x.Key))
		}
	}
	if len(list) == 0 {
		fmt.Fprintln(c.Err, "no token is in it")
	}
}
