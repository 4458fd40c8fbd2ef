package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/connectors/kind"
)

// indexSetup sets up what indexes need on their servers, or says how that stands.
// It works on the configuration alone: the product need not run, and the
// credentials for setting up may be others than those it runs with.
func (c *call) indexSetup(ctx context.Context, what, name, path, format string) error {
	cfg, list := config.Load(path, c.Env)
	if list.HasErrors() {
		return c.refused(list)
	}
	var reports []setupReport
	var failed error
	for _, s := range cfg.Indexes {
		in, ok := s.Config.(kind.Installer)
		if !ok || name != "" && s.Name != name {
			continue
		}
		r := setupReport{Index: s.Name}
		if failed = r.fill(ctx, what, in, kind.Env{Name: s.Name, Dir: cfg.Dir, DataDir: cfg.DataDir}); failed != nil {
			failed = fmt.Errorf("index %s: %w", s.Name, failed)
		}
		reports = append(reports, r)
		if failed != nil {
			break
		}
	}
	if len(reports) == 0 {
		if slices.ContainsFunc(cfg.Indexes, func(s config.Sink) bool { return s.Name == name }) {
			fmt.Fprintf(c.Out, "Index %s needs no setting up.\n", name)
			return nil
		}
		if name != "" {
			return fmt.Errorf("there is no index %q in %s", name, path)
		}
		fmt.Fprintln(c.Out, "No index needs setting up.")
		return nil
	}
	if format == "json" {
		if err := writeJSON(c.Out, reports); err != nil {
			return err
		}
	} else {
		for _, r := range reports {
			r.print(c, what)
		}
	}
	if failed != nil {
		return failed
	}
	if what == "diff" && slices.ContainsFunc(reports, setupReport.differs) {
		return &quietError{exitFailure}
	}
	return nil
}

// setupReport is what is told of one index.
type setupReport struct {
	Index  string      `json:"index"`
	Server []string    `json:"server,omitempty"` // of status
	Parts  []kind.Part `json:"parts"`            // as they stood before
}

func (r *setupReport) fill(ctx context.Context, what string, in kind.Installer, env kind.Env) error {
	i, err := in.Installation(env)
	if err != nil {
		return err
	}
	switch what {
	case "setup":
		r.Parts, err = i.Install(ctx)
		return err
	case "status":
		if r.Server, err = i.Status(ctx); err != nil {
			return err
		}
	}
	r.Parts, err = i.Compare(ctx)
	return err
}

// open reports whether setup would put a part.
func open(p kind.Part) bool { return p.State == kind.Missing || p.State == kind.Differs }

func (r setupReport) differs() bool { return slices.ContainsFunc(r.Parts, open) }

func (r setupReport) print(c *call, what string) {
	fmt.Fprintf(c.Out, "Index %s\n", r.Index)
	for _, line := range r.Server {
		fmt.Fprintf(c.Out, "  %s\n", plain(line))
	}
	put := 0
	for _, p := range r.Parts {
		state := string(p.State)
		if open(p) {
			put++
			if what == "setup" {
				state = map[kind.State]string{kind.Missing: "put", kind.Differs: "replaced"}[p.State]
			}
		}
		if p.State == kind.Same && what != "status" {
			continue
		}
		line := fmt.Sprintf("  %-9s %s", state, p.Name)
		if p.Note != "" {
			line += ": " + p.Note
		}
		fmt.Fprintln(c.Out, plain(line))
		if what == "diff" {
			for _, change := range p.Changes {
				fmt.Fprintf(c.Out, "            %s\n", plain(change))
			}
		}
	}
	switch {
	case len(r.Parts) == 0: // none could be looked at, which the error says
	case what == "setup":
		fmt.Fprintf(c.Out, "  %s, %d put.\n", count(len(r.Parts), "part"), put)
	case put == 0:
		fmt.Fprintf(c.Out, "  %s, nothing to put.\n", count(len(r.Parts), "part"))
	default:
		fmt.Fprintf(c.Out, "  %s, %d to put: signalbox index setup %s\n", count(len(r.Parts), "part"), put, strings.TrimSpace(r.Index))
	}
}
