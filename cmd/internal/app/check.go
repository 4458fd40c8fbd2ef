package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
)

// surroundings reports what the configuration names and a start would not find
// or could not use: files of keys, the policy folder, paths of endpoints.
func surroundings(cfg *config.Config) diag.List {
	var list diag.List
	add := func(at diag.Place, summary, detail string) {
		list = append(list, diag.Located(diag.Error.String(), summary, detail, at, string(cfg.Text)))
	}
	for _, i := range cfg.Issuers {
		_, err := keySet(i, nil)
		switch {
		case err == nil, i.JWKSFile == "" && i.CAFile == "": // an address was checked with the configuration
		case i.JWKSFile == "":
			add(i.Place, fmt.Sprintf("ca_file %q cannot be used: %s", i.CAFile, reason(err)), "It must hold the certificates to trust at jwks, in PEM form.")
		default:
			add(i.Place, fmt.Sprintf("jwks_file %q cannot be used: %s", i.JWKSFile, reason(err)),
				"It must hold the issuer's public keys as a JSON Web Key Set, {\"keys\":[...]}.")
		}
	}
	taken := map[string]string{}
	mount := func(role, name string, config any, at diag.Place) {
		mounts, ok := config.(interface{ Mounts(name string) []string })
		if !ok {
			return
		}
		for _, path := range mounts.Mounts(name) {
			if other, ok := taken[path]; ok {
				add(at, fmt.Sprintf("path %q is taken by %s", path, other), "Give one of the two another path, or another issuer.")
			}
			taken[path] = fmt.Sprintf("%s %q", role, name)
		}
	}
	for _, s := range cfg.Sources {
		mount("source", s.Name, s.Config, s.Place)
	}
	for _, s := range cfg.Sinks {
		mount("sink", s.Name, s.Config, s.Place)
	}
	if err := policyFolder(cfg); err != nil {
		add(diag.Place{File: cfg.File}, fmt.Sprintf("policy folder %q cannot be read: %s", cfg.Policies.Dir, reason(err)),
			"Make the folder, or correct dir in the block policies.")
	}
	return list
}

// policyFolder says why the folder of own rules cannot be read.
func policyFolder(cfg *config.Config) error {
	if cfg.Policies.Dir == "" {
		return nil
	}
	_, err := os.ReadDir(cfg.Policies.Dir)
	return err
}

// reason is an error without the path that the sentence before it names.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
