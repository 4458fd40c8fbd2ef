package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
)

// version is set by the linker for releases.
var version string

// productVersion is the release, or the revision it was built from.
func productVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "devel-" + s.Value[:12]
			}
		}
	}
	return "devel"
}

func runVersion(_ context.Context, c *call) error {
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	if *format == "json" {
		return writeJSON(c.Out, map[string]string{"version": productVersion()})
	}
	fmt.Fprintln(c.Out, "signalbox", productVersion())
	return nil
}

// runRun runs the product until a signal: the first stops it in order, a second
// one cuts the drain short, SIGHUP reloads.
func runRun(ctx context.Context, c *call) error {
	path := c.configFlag()
	logFormat := c.flags.String("log-format", "text", "log `format`: text or json")
	logLevel := c.flags.String("log-level", "info", "least `level` logged: debug, info, warn or error")
	drain := c.flags.Duration("drain", 20*time.Second, "how long deliveries may finish after a stop signal")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	log, err := newLogger(c.Err, *logFormat, *logLevel)
	if err != nil {
		return err
	}
	// Journal, index and socket are the owner's alone from the moment they are
	// made.
	syscall.Umask(0o077)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	a, err := app.New(app.Options{Config: *path, Env: c.Env, Version: productVersion(), Log: log})
	if err != nil {
		return c.refused(err)
	}
	if err := a.Start(ctx); err != nil {
		return errors.Join(err, a.Stop(ctx))
	}
	for {
		select {
		case <-ctx.Done():
			return stop(a, signals, *drain, log)
		case s := <-signals:
			if s != syscall.SIGHUP {
				return stop(a, signals, *drain, log)
			}
			// The outcome is logged and noted in the journal.
			_, _ = a.Reload(ctx, "signalbox (SIGHUP)")
		}
	}
}

// stop drains until done, the deadline, or a second signal.
func stop(a *app.App, signals <-chan os.Signal, drain time.Duration, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	log.Info("stop signal: deliveries may finish, a second signal does not wait for them", "at_most", drain)
	done := make(chan error, 1)
	go func() { done <- a.Stop(ctx) }()
	for {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			if s != syscall.SIGHUP {
				log.Warn("second signal, not waiting any longer")
				cancel()
			}
		}
	}
}

// refused prints a configuration's problems as check would.
func (c *call) refused(err error) error {
	var list diag.List
	if !errors.As(err, &list) {
		return err
	}
	if err := c.style().Write(c.Err, list); err != nil {
		return err
	}
	return &quietError{exitFailure}
}

// style is how diagnostics look on the error stream.
func (c *call) style() diag.Style {
	f, _ := c.Err.(*os.File)
	return diag.StyleFor(f)
}

func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var o slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usagef("--log-level %q: choose debug, info, warn or error", level)
	}
	o.Level = l
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, &o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, &o)), nil
	}
	return nil, usagef("--log-format %q: choose text or json", format)
}
