package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// runKeys shows the product's own keys. It prints public parts only.
func runKeys(_ context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("table", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if err := oneOf("format", *format, "table", "json"); err != nil {
		return err
	}
	if len(rest) != 1 || rest[0] != "list" && rest[0] != "jwks" {
		return usagef("say what to do: list or jwks")
	}
	keys, err := c.ownKeys(*path)
	if err != nil {
		return err
	}
	if rest[0] == "jwks" {
		_, err := fmt.Fprintf(c.Out, "%s\n", keys.JWKS())
		return err
	}
	var set struct {
		Keys []struct {
			KeyID     string `json:"kid"`
			Algorithm string `json:"alg"`
			Type      string `json:"kty"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(keys.JWKS(), &set); err != nil {
		return err
	}
	if *format == "json" {
		return writeJSON(c.Out, set.Keys)
	}
	var rows [][]string
	for _, k := range set.Keys {
		rows = append(rows, []string{k.Algorithm, k.Type, k.KeyID})
	}
	return table(c.Out, []string{"ALG", "TYPE", "KEY ID"}, rows)
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
