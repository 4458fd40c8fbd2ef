package app

import (
	"fmt"
	"os"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

// mappingOptions is what the configuration says about its mappings.
func mappingOptions(cfg *config.Config) mappings.Options {
	o := mappings.Options{Root: cfg.Mappings.Dir, Bare: !cfg.Mappings.Shipped}
	if cfg.Mappings.Dir != "" {
		o.Own = os.DirFS(cfg.Mappings.Dir)
	}
	return o
}

// loadMappings compiles the mappings of a configuration and checks that those
// its sources name are there.
func loadMappings(cfg *config.Config) (*mappings.Set, diag.List) {
	set, list := compileMappings(cfg)
	for _, s := range cfg.Sources {
		for _, m := range s.Mapped {
			if _, ok := set.Get(m.Name); !ok && !list.HasErrors() {
				list = append(list, diag.Located(diag.Error.String(), fmt.Sprintf("unknown mapping %q", m.Name),
					nearest.Advice(m.Name, set.Names(), "mappings"), m.Place, string(cfg.Text)))
			}
		}
	}
	return set, list
}

// compileMappings compiles the mappings of a configuration. That their folder
// is not there is a mistake of the configuration, at its place in it.
func compileMappings(cfg *config.Config) (*mappings.Set, diag.List) {
	o := mappingOptions(cfg)
	var list diag.List
	if o.Own != nil {
		if _, err := os.ReadDir(cfg.Mappings.Dir); err != nil {
			o.Own = nil
			list = append(list, diag.Located(diag.Error.String(), "no folder of mappings",
				fmt.Sprintf("Make the folder, or correct dir: %v.", err), cfg.Mappings.Place, string(cfg.Text)))
		}
	}
	set, found := mappings.Load(o)
	return set, append(list, fromMappings(set, diag.FromHCL(found))...)
}

// fromMappings gives diagnostics of mappings the source they point at.
func fromMappings(set *mappings.Set, list diag.List) diag.List {
	for i, d := range list {
		list[i] = diag.Located(d.Severity.String(), d.Summary, d.Detail, d.Place, string(set.Source(d.File)))
	}
	return list
}

// Mappings is the mappings of a configuration; where no file is at the path,
// those that come with the program. An error that is a diag.List means that the
// configuration or a mapping is at fault.
func Mappings(path string, env config.Env) (*mappings.Set, error) {
	if _, err := os.Stat(path); err == nil {
		cfg, list := config.Load(path, env)
		if list.HasErrors() {
			return nil, list
		}
		set, list := compileMappings(cfg)
		if list.HasErrors() {
			return nil, list
		}
		return set, nil
	}
	return readMappings(mappings.Options{})
}

// MappingsIn is the mappings in a folder, over those that come with the program.
func MappingsIn(dir string) (*mappings.Set, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("mappings: %w", err)
	}
	return readMappings(mappings.Options{Own: os.DirFS(dir), Root: dir})
}

func readMappings(o mappings.Options) (*mappings.Set, error) {
	set, found := mappings.Load(o)
	if list := fromMappings(set, diag.FromHCL(found)); list.HasErrors() {
		return nil, list
	}
	return set, nil
}
