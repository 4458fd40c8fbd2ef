package file

import (
	"path/filepath"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// SourceConfig configures a source "file".
//
//	source "file" "replayed" {
//	  path   = "in/*.jwt"
//	  follow = true
//	}
type SourceConfig struct {
	Path     string        `hcl:"path"`               // a file, or a pattern of path/filepath.Match; read in the order of names
	Follow   bool          `hcl:"follow,optional"`    // wait for more lines and files
	Every    time.Duration `hcl:"every,optional"`     // how often to look for them; "500ms"
	MaxBytes int           `hcl:"max_bytes,optional"` // longest line; 262144

	// Mapping reads the lines as records of another product; without it they
	// are tokens. Remit is what the records may cause, and MaxAge when an event
	// of them is too old to act on its own.
	Mapping string        `hcl:"mapping,optional"`
	Remit   *kind.Remit   `hcl:"remit,block"`
	MaxAge  time.Duration `hcl:"max_age,optional"`
}

var _ kind.Channel = (*SourceConfig)(nil)

// Trust implements kind.Channel.
func (c *SourceConfig) Trust() (*kind.Remit, time.Duration) { return c.Remit, c.MaxAge }

var _ kind.SourceConfig = (*SourceConfig)(nil)

type bounds struct {
	every time.Duration
	bytes int
}

// bounds fills in the defaults and reports what is out of range.
func (c *SourceConfig) bounds() (b bounds, problems kind.Problems) {
	var f, g *kind.FieldError
	b.every, f = kind.Between("every", c.Every, 500*time.Millisecond, 10*time.Millisecond, time.Hour)
	b.bytes, g = kind.Between("max_bytes", c.MaxBytes, 256<<10, 1024, 4<<20)
	problems.Note(f, g)
	return b, problems
}

// Validate implements kind.SourceConfig.
func (c *SourceConfig) Validate() []kind.FieldError {
	_, problems := c.bounds()
	if _, err := filepath.Match(c.Path, ""); err != nil || c.Path == "" {
		problems.Add("path", "invalid path", `Give a file or a pattern such as "in/*.jsonl"; a literal "[" is written "\\[".`)
	}
	if c.Mapping == "" && (c.Remit != nil || c.MaxAge != 0) {
		problems.Add("", "remit without a mapping",
			"What tokens may cause is said in the block of their issuer; a remit here is for records that a mapping reads.")
	}
	if c.Every != 0 && !c.Follow {
		problems.Add("every", "every without follow", "Add follow = true, or remove every.")
	}
	return problems
}

// Open implements kind.SourceConfig.
func (c *SourceConfig) Open(env kind.Env) (pipeline.Source, error) {
	return newSource(c, env), nil
}

// SinkConfig configures a sink "file".
//
//	sink "file" "record" {
//	  path = "out/actions.jsonl"
//	}
type SinkConfig struct {
	Path      string `hcl:"path"`               // made if it is not there, with its folder
	Authority bool   `hcl:"authority,optional"` // who reads the file takes our word for the change
}

var (
	_ kind.SinkConfig = (*SinkConfig)(nil)
	_ kind.Caller     = (*SinkConfig)(nil)
)

// Calls implements kind.Caller: a call is written down, for trying out.
func (c *SinkConfig) Calls() {}

// Validate implements kind.SinkConfig.
func (c *SinkConfig) Validate() []kind.FieldError {
	if c.Path == "" || c.Path[len(c.Path)-1] == filepath.Separator {
		return []kind.FieldError{{Field: "path", Summary: "invalid path", Detail: `Name a file, such as "out/actions.jsonl".`}}
	}
	return nil
}

// Open implements kind.SinkConfig. It opens the file, so that a wrong path is
// known at start.
func (c *SinkConfig) Open(env kind.Env) (pipeline.Sink, error) {
	return openSink(env.Path(c.Path), env.Clock())
}
