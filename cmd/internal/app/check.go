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
		if i.JWKSFile == "" {
			continue
		}
		if _, err := keySet(i, nil); err != nil {
			add(i.Place, fmt.Sprintf("jwks_file %q cannot be used: %s", i.JWKSFile, reason(err)),
				"It must hold the issuer's public keys as a JSON Web Key Set, {\"keys\":[...]}.")
		}
	}
	taken := map[string]string{}
	for _, s := range cfg.Sources {
		mounts, ok := s.Config.(interface{ Mounts(name string) []string })
		if !ok {
			continue
		}
		for _, path := range mounts.Mounts(s.Name) {
			if other, ok := taken[path]; ok {
				add(s.Place, fmt.Sprintf("path %q is taken by source %q", path, other), "Give one of the two another path.")
			}
			taken[path] = s.Name
		}
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
