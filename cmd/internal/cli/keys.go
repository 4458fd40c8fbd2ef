package cli

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// runKeys shows and rotates the product's own keys. It prints public parts only.
func runKeys(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("table", "json")
	algorithm := c.flags.String("alg", jose.DefaultSigning, "rotate: `algorithm` of the key: ES256, RS256 or EdDSA")
	lead := c.flags.Duration("lead", defaultLead, "rotate: how long the new key is published before it signs; 0s with --keep 0s")
	keep := c.flags.Duration("keep", defaultKeep, "rotate: how long the keys before stay published after that")
	comment := c.flags.String("comment", "", "rotate: `why`, for the audit record")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 || rest[0] != "list" && rest[0] != "jwks" && rest[0] != "rotate" {
		return usagef("say what to do: list, jwks or rotate")
	}
	if rest[0] == "rotate" {
		given := false
		c.flags.Visit(func(f *flag.Flag) { given = given || f.Name == "lead" })
		if *keep == 0 && !given { // a key that leaked
			*lead = 0
		}
		return c.keysRotate(ctx, *path, *format, *algorithm, *comment, *lead, *keep)
	}
	keys, err := c.ownKeys(*path)
	if err != nil {
		return err
	}
	if rest[0] == "jwks" {
		_, err := fmt.Fprintf(c.Out, "%s\n", keys.JWKS())
		return err
	}
	if *format == "json" {
		return writeJSON(c.Out, keys.Keys())
	}
	var rows [][]string
	for _, k := range keys.Keys() {
		use := "signs"
		if !k.Signs {
			use = "published"
		}
		if !k.From.IsZero() {
			use += ", signs from " + k.From.Format(time.RFC3339)
		}
		if !k.Until.IsZero() {
			use += ", until " + k.Until.Format(time.RFC3339)
		}
		rows = append(rows, []string{k.Algorithm, k.KeyID, use})
	}
	return table(c.Out, []string{"ALG", "KEY ID", "USE"}, rows)
}

// ownKeys opens the key folder of a configuration, which makes a first key on
// first use.
func (c *call) ownKeys(path string) (*jose.KeyStore, error) {
	cfg, list := config.Load(path, c.Env)
	if list.HasErrors() {
		return nil, c.refused(list)
	}
	return jose.OpenKeyStore(filepath.Join(cfg.DataDir, "keys"))
}
