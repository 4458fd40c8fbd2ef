package sqlite

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Config configures an index "sqlite". All of it is optional.
//
//	index "sqlite" "local" {
//	  keep = "720h"
//	}
type Config struct {
	Dir  string        `hcl:"dir,optional"`  // folder; "index/<name>" by default; relative to data_dir
	Keep time.Duration `hcl:"keep,optional"` // age at which documents are removed, by whole days; 30 days by default
}

var _ kind.SinkConfig = (*Config)(nil)

// The bounds of keep.
const (
	leastKeep = 24 * time.Hour
	mostKeep  = 20 * 365 * 24 * time.Hour
)

// Validate implements kind.SinkConfig.
func (c *Config) Validate() []kind.FieldError {
	var problems kind.Problems
	if strings.ContainsRune(c.Dir, 0) {
		problems.Add("dir", "invalid path", "Give a folder without NUL characters.")
	}
	_, outside := kind.Between("keep", c.Keep, defaultKeep, leastKeep, mostKeep)
	problems.Note(outside)
	return problems
}

// Open implements kind.SinkConfig. What it returns is also a query.Searcher and
// an io.Closer.
func (c *Config) Open(env kind.Env) (pipeline.Sink, error) {
	dir := c.Dir
	if dir == "" {
		dir = filepath.Join("index", env.Name)
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(env.DataDir, dir)
	}
	return Open(dir, Options{Keep: c.Keep, Now: env.Clock()})
}
