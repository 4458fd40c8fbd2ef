package config

import (
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

const defaultDataDir = "data" // from the folder of the file

// defaults is the configuration of an empty file.
func defaults(file, dir string) *Config {
	return &Config{
		File:     file,
		Dir:      dir,
		Listen:   "127.0.0.1:8086",
		DataDir:  under(dir, defaultDataDir),
		Actions:  shippedActions(),
		Policies: Policies{Shipped: true},
		Mappings: Mappings{Shipped: true},
		Guards: Guards{
			Limit:    pipeline.Limit{Actions: 600, Per: time.Minute},
			MaxDepth: 3,
		},
		Journal: Journal{Keep: 30 * 24 * time.Hour, MaxSize: 20 << 30, MinFree: 1 << 30},
		SeenFor: 30 * 24 * time.Hour,
		Limits: Limits{
			MaxBytes:   64 << 10,
			MaxBatch:   1000,
			MaxPending: 100_000,
			MaxWaiting: 10_000,

			MaxConnections:           1024,
			MaxConnectionsPerAddress: 256,
		},
		Quarantine: Quarantine{MaxEntries: 1000, MaxBytes: 64 << 20},
	}
}

// rootFile is the top level of a file. Blocks with labels are taken as they are
// and decoded once their labels chose a struct.
type rootFile struct {
	Listen  string        `hcl:"listen,optional"`
	DataDir string        `hcl:"data_dir,optional"`
	Node    string        `hcl:"node,optional"`
	SeenFor time.Duration `hcl:"seen_for,optional"`

	Guards  *guardsBlock  `hcl:"guards,block"`
	Journal *journalBlock `hcl:"journal,block"`
	Limits  *limitsBlock  `hcl:"limits,block"`
	Metrics *metricsBlock `hcl:"metrics,block"`
	Traces  *tracesBlock  `hcl:"traces,block"`
	TLS     *tlsBlock     `hcl:"tls,block"`

	Quarantine *quarantineBlock `hcl:"quarantine,block"`

	Policies *policiesBlock `hcl:"policies,block"`
	Mappings *mappingsBlock `hcl:"mappings,block"`
	Protect  []protectBlock `hcl:"protect,block"`

	Issuers []issuerBlock    `hcl:"issuer,block"`
	Actions []actionBlock    `hcl:"action,block"`
	Sources []connectorBlock `hcl:"source,block"`
	Sinks   []connectorBlock `hcl:"sink,block"`
	Indexes []connectorBlock `hcl:"index,block"`
	Relays  []connectorBlock `hcl:"relay,block"`

	Notifies []notifyBlock `hcl:"notify,block"`
}

type mappingsBlock struct {
	Dir     string `hcl:"dir,optional"`
	Shipped *bool  `hcl:"shipped,optional"`
}

type guardsBlock struct {
	MaxDepth int         `hcl:"max_depth,optional"`
	Limit    *limitBlock `hcl:"limit,block"`
}

type limitBlock struct {
	Actions int           `hcl:"actions"`
	Per     time.Duration `hcl:"per"`
}

type journalBlock struct {
	Keep    time.Duration `hcl:"keep,optional"`
	MaxSize int64         `hcl:"max_size,optional"`
	MinFree int64         `hcl:"min_free,optional"`
}

type limitsBlock struct {
	MaxBytes   int `hcl:"max_bytes,optional"`
	MaxBatch   int `hcl:"max_batch,optional"`
	MaxPending int `hcl:"max_pending,optional"`
	MaxWaiting int `hcl:"max_waiting,optional"`

	MaxConnections           int `hcl:"max_connections,optional"`
	MaxConnectionsPerAddress int `hcl:"max_connections_per_address,optional"`
}

type quarantineBlock struct {
	MaxEntries int   `hcl:"max_entries,optional"`
	MaxBytes   int64 `hcl:"max_bytes,optional"`
}

type metricsBlock struct {
	Listen string `hcl:"listen,optional"`
}

type tlsBlock struct {
	CertFile   string `hcl:"cert_file,optional"`
	KeyFile    string `hcl:"key_file,optional"`
	SelfSigned bool   `hcl:"self_signed,optional"`
}

type tracesBlock struct {
	Endpoint      string          `hcl:"endpoint"`
	Sample        *float64        `hcl:"sample,optional"`
	Authorization pipeline.Secret `hcl:"authorization,optional"`
}

// root decodes the file into the configuration.
func (l *loader) root(body *hclsyntax.Body) {
	c := l.cfg
	top := rootFile{
		Listen:  c.Listen,
		DataDir: defaultDataDir,
		SeenFor: c.SeenFor,
		Guards:  &guardsBlock{c.Guards.MaxDepth, &limitBlock{c.Guards.Limit.Actions, c.Guards.Limit.Per}},
		Journal: (*journalBlock)(&c.Journal),
		Limits:  (*limitsBlock)(&c.Limits),
		Metrics: (*metricsBlock)(&c.Metrics),

		Quarantine: (*quarantineBlock)(&c.Quarantine),
	}
	l.fill(body, &top)

	c.Listen, c.Node, c.SeenFor = top.Listen, top.Node, top.SeenFor
	c.DataDir = under(c.Dir, top.DataDir)
	c.Guards = Guards{MaxDepth: top.Guards.MaxDepth, Limit: pipeline.Limit(*top.Guards.Limit)}
	l.address("listen", c.Listen)
	if c.Metrics.Listen != "" {
		l.address("metrics.listen", c.Metrics.Listen)
		if c.Metrics.Listen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
			l.fault(l.spots.find("metrics.listen").at, "address used twice", "Metrics need a port of their own; they are not for those who push.")
		}
	}
	c.Traces = l.traces(top.Traces)
	if b := top.TLS; b != nil {
		if b.SelfSigned == (b.CertFile != "") || b.SelfSigned == (b.KeyFile != "") {
			l.field("tls", "no certificate, or two", "Give cert_file and key_file, or self_signed = true for trying out.")
		}
		c.TLS = TLS{CertFile: under(c.Dir, b.CertFile), KeyFile: under(c.Dir, b.KeyFile), SelfSigned: b.SelfSigned}
	}
	if top.DataDir == "" {
		l.fault(l.spots.find("data_dir").at, "no data_dir", "Name the folder for the journal and the keys, such as \"data\".")
	}
	between(l, "seen_for", c.SeenFor, time.Hour, 366*24*time.Hour)
	between(l, "guards.max_depth", c.Guards.MaxDepth, 1, 100)
	l.limit("guards.limit", c.Guards.Limit)
	between(l, "journal.keep", c.Journal.Keep, time.Hour, 3660*24*time.Hour)
	between(l, "journal.max_size", c.Journal.MaxSize, 16<<20, 1<<50)
	between(l, "journal.min_free", c.Journal.MinFree, 0, 1<<50)
	between(l, "limits.max_bytes", c.Limits.MaxBytes, 1<<10, strictjson.DefaultLimits.Bytes)
	between(l, "limits.max_batch", c.Limits.MaxBatch, 1, 10_000)
	between(l, "limits.max_pending", c.Limits.MaxPending, 1, 100_000_000)
	between(l, "limits.max_waiting", c.Limits.MaxWaiting, 1, 100_000)
	between(l, "limits.max_connections", c.Limits.MaxConnections, 1, 1_000_000)
	between(l, "limits.max_connections_per_address", c.Limits.MaxConnectionsPerAddress, 1, 1_000_000)

	between(l, "quarantine.max_entries", c.Quarantine.MaxEntries, 1, 100_000)
	between(l, "quarantine.max_bytes", c.Quarantine.MaxBytes, 1<<20, 1<<40)

	l.issuers(top.Issuers)
	l.sources(top.Sources)
	l.sinks(top.Sinks, top.Indexes, top.Relays)
	l.actions(top.Actions)
	l.notifies(top.Notifies)
	l.policies(top.Policies)
	if b := top.Mappings; b != nil {
		c.Mappings = Mappings{Dir: under(c.Dir, b.Dir), Shipped: either(b.Shipped, true), Place: l.place("mappings")}
	}
	l.protect(top.Protect)
}

// fill decodes the top level of a file.
func (l *loader) fill(body *hclsyntax.Body, into any) {
	l.spots[""] = spot{at: body.MissingItemRange()}
	l.body(body, reflect.ValueOf(into).Elem(), "")
}

// address checks an address to listen on.
func (l *loader) address(path, address string) {
	_, port, err := net.SplitHostPort(address)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 0 || n > 65535 {
		l.field(path, "invalid address", `Write host and port, such as "127.0.0.1:8086", or ":8086" for every interface.`)
	}
}

// limit checks a limit of actions.
func (l *loader) limit(path string, limit pipeline.Limit) {
	between(l, path+".actions", limit.Actions, 1, 1_000_000)
	between(l, path+".per", limit.Per, time.Second, 31*24*time.Hour)
}

// between checks that a number is in range.
func between[N int | int64 | time.Duration](l *loader, path string, n, least, most N) {
	if n < least || n > most {
		name := path[strings.LastIndexByte(path, '.')+1:]
		l.field(path, name+" out of range", fmt.Sprintf("Give a value from %v to %v.", least, most))
	}
}
