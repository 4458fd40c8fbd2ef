// Package app builds a running product from a configuration: New opens what
// must be open, Start sets it going, Reload exchanges what can be exchanged
// while running, Stop drains and closes in reverse order.
//
// It is importable so that a test or the demo runs the whole product in
// process, on port 0.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/cmd/internal/drill"
	"github.com/signalbox-dev/signalbox/cmd/internal/trace"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/store"
	"github.com/signalbox-dev/signalbox/policies"
)

// Options is what a product is built from.
type Options struct {
	Config  string     // path of config.hcl
	Env     config.Env // environment; nil: os.LookupEnv
	Version string
	Log     *slog.Logger     // nil: discard
	Now     func() time.Time // nil: time.Now

	Free       func() (uint64, error) // bytes of disk free for data_dir; nil: what the file system says
	BudgetEach time.Duration          // how often budgets are looked at; 0: 5 s
}

func (o Options) withDefaults() Options {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// App is one product. Its methods are safe for concurrent use; Start and Stop
// are called once each.
type App struct {
	o       Options
	cfg     *config.Config
	log     *slog.Logger
	started time.Time

	store   *store.Embedded
	keys    *jose.KeyStore
	line    *pipeline.Pipeline
	metrics *metrics
	public  *listener // push endpoints, JWKS, health
	figures *listener // metrics; nil if not configured
	admin   *listener // the api socket

	sources   []namedSource
	sinks     []namedSink
	indexes   []namedSink
	followers []follower
	search    query.Searcher
	drill     *drill.Drill
	traces    *trace.Exporter // nil: nothing is traced
	feeds     feeds

	gen     atomic.Pointer[generation]
	reload  sync.Mutex
	loops   loops
	closing chan struct{}      // closed when the shared listener takes no more
	intake  context.CancelFunc // ends the sources
	work    context.CancelFunc // ends everything else
	serving context.CancelFunc
	stop    sync.Once
	closers []func() error // in the order of opening
}

// generation is what a reload exchanges.
type generation struct {
	cfg   *config.Config
	rules *policies.Set
	maps  *mappings.Set
	keys  map[string]*jose.RemoteSet // by issuer: key sets that are fetched
	now   func() time.Time           // by which keys and tokens age
	feeds *feeds                     // sources with streams; nil where none run
}

type namedSource struct {
	name   string
	source pipeline.Source
}

type namedSink struct {
	name string
	sink pipeline.Sink
}

// New checks the configuration and opens everything it names: the store, the
// keys, the index, connectors and listeners. Nothing moves before Start. On an
// error everything already open is closed again; a diag.List as error means
// that the configuration or the policies are at fault.
func New(o Options) (_ *App, err error) {
	o = o.withDefaults()
	g, err := load(o)
	if err != nil {
		return nil, err
	}
	a := &App{o: o, cfg: g.cfg, log: o.Log, metrics: newMetrics(o.Version), closing: make(chan struct{})}
	a.loops = loops{log: o.Log, restarts: func(name string) { a.metrics.restarts.WithLabelValues(name).Inc() }}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if err := a.open(g); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *App) open(g *generation) error {
	cfg := g.cfg
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make data_dir: %w", err)
	}
	so := storeOptions(cfg)
	so.Now, so.Log, so.Free = a.o.Now, a.log, a.o.Free
	st, err := store.Open(storeDir(cfg), so)
	if err != nil {
		return fmt.Errorf("open %w", err)
	}
	a.store = st
	a.closers = append(a.closers, st.Close)
	a.metrics.watchStore(st)
	if a.keys, err = jose.OpenKeyStore(filepath.Join(cfg.DataDir, "keys")); err != nil {
		return fmt.Errorf("open keys: %w", err)
	}
	a.traces = a.exporter(cfg)
	a.line = pipeline.New(pipeline.Options{
		Tracer: tracer(a.traces),
		Store:  st, Log: a.log, Now: a.o.Now, Node: nodeName(cfg), Observer: a.metrics,
		MaxBatch: cfg.Limits.MaxBatch, MaxPending: cfg.Limits.MaxPending, MaxWaiting: cfg.Limits.MaxWaiting,
		BudgetEach: a.o.BudgetEach,
	})
	if a.drill, err = drill.New(); err != nil {
		return err
	}
	settings, err := a.settings(g)
	if err != nil {
		return err
	}
	a.line.Use(settings)
	a.metrics.watchSwitch(a.line)
	a.metrics.watchBudgets(a.line, sinkNames(cfg))
	a.gen.Store(g)
	a.metrics.expect(g)
	a.metrics.watchKeys(func() map[string]*jose.RemoteSet { return a.gen.Load().keys })
	a.metrics.watchReady(func() bool { return len(a.problems()) == 0 })
	a.public = newListener("signals", a.log)
	if err := a.connect(cfg); err != nil {
		return err
	}
	return a.listen(cfg)
}

func nodeName(cfg *config.Config) string {
	if cfg.Node != "" {
		return cfg.Node
	}
	host, err := os.Hostname()
	if err != nil {
		return "signalbox"
	}
	return host
}

// connect opens sources, sinks and indexes.
func (a *App) connect(cfg *config.Config) error {
	for _, s := range cfg.Sources {
		src, err := s.Config.Open(a.env(s.Kind, s.Name, cfg))
		if err != nil {
			return fmt.Errorf("open source %q %q: %w", s.Kind, s.Name, err)
		}
		a.closeLater(src)
		a.sources = append(a.sources, namedSource{s.Name, src})
		a.followSource(namedSource{s.Name, src})
		a.metrics.watchPositions(s.Name, src)
		a.metrics.watchFeed(s.Name, src, a.o.Now)
		a.feeds.add(s.Issuers, src)
	}
	for _, s := range cfg.Sinks {
		sink, err := a.openSink("sink", s, cfg)
		if err != nil {
			return err
		}
		a.sinks = append(a.sinks, namedSink{s.Name, sink})
		a.metrics.watchQueue(a.store, s.Name, a.o.Now)
		a.connectStreams(s.Name, sink)
	}
	for _, s := range cfg.Indexes {
		sink, err := a.openSink("index", s, cfg)
		if err != nil {
			return err
		}
		a.indexes = append(a.indexes, namedSink{s.Name, sink})
		if searcher, ok := sink.(query.Searcher); ok && a.search == nil {
			a.search = searcher
		}
		a.metrics.watchIndex(s.Name, func() uint64 {
			lag, _ := a.line.Lag(context.Background(), s.Name)
			return lag
		})
	}
	return a.connectRelays(cfg)
}

func (a *App) openSink(role string, s config.Sink, cfg *config.Config) (pipeline.Sink, error) {
	sink, err := s.Config.Open(a.env(s.Kind, s.Name, cfg))
	if err != nil {
		return nil, fmt.Errorf("open %s %q %q: %w", role, s.Kind, s.Name, err)
	}
	a.closeLater(sink)
	return sink, nil
}

func (a *App) closeLater(v any) {
	if c, ok := v.(io.Closer); ok {
		a.closers = append(a.closers, c.Close)
	}
}

func (a *App) env(kindName, name string, cfg *config.Config) kind.Env {
	return kind.Env{
		Name: name, Dir: cfg.Dir, DataDir: cfg.DataDir, Batch: cfg.Limits.MaxBatch, Log: a.log.With("connector", kindName+"/"+name), Now: a.o.Now,
		Mount: func(pattern string, h http.Handler) error {
			return a.public.mount(pattern, a.metrics.answers(kindName+"/"+name, h))
		},
		Closing: a.closing,
		Keys:    a.keyHealth,
		Signer: func(alg string) (kind.Signer, error) {
			return a.keys.Current(alg)
		},
	}
}

// listen opens the sockets.
func (a *App) listen(cfg *config.Config) error {
	if err := a.mountPublic(); err != nil {
		return err
	}
	most := bounds{all: cfg.Limits.MaxConnections, each: cfg.Limits.MaxConnectionsPerAddress}
	if err := a.public.listen("tcp", cfg.Listen, most, a.metrics.refuses(a.public.name)); err != nil {
		return err
	}
	if cfg.TLS != (config.TLS{}) {
		c, err := tlsConfig(cfg, a.log, a.o.Now())
		if err != nil {
			return err
		}
		a.public.net = tls.NewListener(a.public.net, c)
	}
	if cfg.Metrics.Listen != "" {
		a.figures = newListener("metrics", a.log)
		if err := a.figures.mount("/metrics", a.metrics.handler()); err != nil {
			return err
		}
		if err := a.figures.listen("tcp", cfg.Metrics.Listen, most, a.metrics.refuses(a.figures.name)); err != nil {
			return err
		}
	}
	socket := api.Socket(cfg.DataDir)
	if err := clearSocket(socket); err != nil {
		return err
	}
	a.admin = newListener("api", a.log)
	a.admin.srv.WriteTimeout = 0
	if err := a.admin.mount("/", api.Handler(a.backend())); err != nil {
		return err
	}
	if err := a.admin.listen("unix", socket, most, a.metrics.refuses(a.admin.name)); err != nil {
		return err
	}
	return os.Chmod(socket, 0o600)
}

// clearSocket removes what a killed product left behind. The store's lock has
// shown that no other one uses the directory.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s is in the way of the api socket and is not one: move it away", path)
	}
	return os.Remove(path)
}

// Addr is the address of the shared listener.
func (a *App) Addr() string { return a.public.addr() }

// MetricsAddr is the address of /metrics, "" if none is configured.
func (a *App) MetricsAddr() string {
	if a.figures == nil {
		return ""
	}
	return a.figures.addr()
}

// Pipeline is the line, for embedding.
func (a *App) Pipeline() *pipeline.Pipeline { return a.line }

// Searcher is the first index that can be searched, nil if there is none.
func (a *App) Searcher() query.Searcher { return a.search }
