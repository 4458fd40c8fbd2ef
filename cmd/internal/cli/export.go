package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/evidence"
	"github.com/signalbox-dev/signalbox/pipeline"
)

const exportHelp = `
       signalbox export verify [--jwks FILE] [--format json] FILE

The bundle is one gzipped tar file: documents, tokens as received and as sent,
the inputs decisions were made on, the public keys tokens were verified with,
the rules, and a manifest with the SHA-256 of every file, signed by the
product's key. The export is an audit document itself.

verify needs no product and no network. It exits with 0 when the bundle is what
was signed, with 1 when anything was changed, added or removed or a signature
does not verify, and says what that proves and what it does not.

A bundle is as confidential as what it is about. --no-originals leaves out
tokens and the inputs of decisions, which say most of people.

`

// runExport writes a bundle of evidence, or checks one.
func runExport(ctx context.Context, c *call) error {
	if len(c.args) > 0 && c.args[0] == "verify" {
		c.enter("verify")
		return c.exportVerify(ctx)
	}
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	when := c.spanFlags("all")
	out := c.flags.String("out", "", "`file` to write, which must not exist; default evidence-TIME.tar.gz")
	comment := c.flags.String("comment", "", "`why`, for the manifest and the audit document")
	bare := c.flags.Bool("no-originals", false, "leave out tokens and the inputs of decisions")
	abouts := map[string]*string{}
	for _, k := range api.ExportKinds {
		doc := "any `identifier` of the " + k
		if k == "query" {
			doc = "a `query`, as signalbox query takes it"
		}
		abouts[k] = c.flags.String(k, "", doc)
	}
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	now := time.Now()
	req := api.ExportRequest{NoOriginals: *bare, By: c.operator(), Comment: *comment}
	for _, k := range api.ExportKinds {
		if *abouts[k] == "" {
			continue
		}
		if req.Kind != "" {
			return usagef("give one of --user, --device, --session, --chain and --query")
		}
		req.Kind, req.Value = k, *abouts[k]
	}
	if req.Kind == "" {
		return usagef("say about what: --user, --device, --session, --chain or --query")
	}
	if req.From, req.To, err = when.times(now); err != nil {
		return err
	}
	name := *out
	if name == "" {
		name = "evidence-" + now.UTC().Format("20060102T150405Z") + ".tar.gz"
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and evidence is never overwritten: choose another name with --out", name)
	}
	if err != nil {
		return err
	}
	a, err := client.Export(ctx, req)
	if err == nil {
		err = save(f, a.Bundle)
	}
	if err != nil {
		_ = f.Close()
		return errors.Join(c.explainFailure(err, *path, ""), os.Remove(name))
	}
	if *format == "json" {
		return writeJSON(c.Out, struct {
			File     string            `json:"file"`
			Key      string            `json:"key"`
			Manifest evidence.Manifest `json:"manifest"`
		}{name, a.Key, a.Manifest})
	}
	m := a.Manifest
	fmt.Fprintf(c.Out, "%s holds %s, %s and %s about %s %s (%s).\n", name, documents(m.Documents), count(m.Tokens, "original"), count(m.Decisions, "decision"),
		m.Asked.Kind, plain(m.Asked.Value), pipeline.Bytes(int64(len(a.Bundle))))
	if len(m.LeftOut) > 0 {
		fmt.Fprintf(c.Out, "Left out: %s.\n", strings.Join(m.LeftOut, ", "))
	}
	if len(m.Gaps) > 0 {
		fmt.Fprintf(c.Out, "The journal keeps %s no more: of these only the documents are here.\n", count(len(m.Gaps), "record"))
	}
	if m.Partial != "" {
		fmt.Fprintf(c.Out, "Incomplete: %s.\n", m.Partial)
	}
	fmt.Fprintf(c.Out, "Signed by key %s. Give that name to whoever checks it, by another way than the file.\nCheck it with: signalbox export verify %s\n", a.Key, name)
	return nil
}

// save writes everything durably.
func save(f *os.File, text []byte) error {
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// maxKeyFile bounds the file of --jwks.
const maxKeyFile = 1 << 20

// exportVerify checks a bundle by files alone.
func (c *call) exportVerify(ctx context.Context) error {
	keys := c.flags.String("jwks", "", "`file` with the keys one of which must have signed it, as signalbox keys jwks prints them at the product")
	format := c.formatFlag("text", "json")
	c.usage = func() {
		fmt.Fprint(c.Out, "Usage: signalbox export verify [flags] FILE\n\nCheck a bundle of evidence, offline.\n")
		c.printFlags()
	}
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("give the file to check")
	}
	var jwks []byte
	if *keys != "" {
		if jwks, err = c.readFile(*keys, maxKeyFile); err != nil {
			return err
		}
	}
	f, err := os.Open(rest[0])
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := evidence.Verify(ctx, f, jwks)
	if err != nil {
		return fmt.Errorf("%s: %w", rest[0], err)
	}
	if *format == "json" {
		err = writeJSON(c.Out, r)
	} else {
		printReport(c, r)
	}
	if err == nil && !r.OK() {
		err = &quietError{exitFailure}
	}
	return err
}

func printReport(c *call, r *evidence.Report) {
	paint, width := coloursFor(c.Out, c.Env), widthOf(c.Out)
	list := func(title string, items []string) {
		if len(items) == 0 {
			return
		}
		fmt.Fprintln(c.Out, "\n"+paint.bold(title))
		for _, item := range items {
			begin := "- "
			for _, line := range wrap(plain(item), width-2) {
				fmt.Fprintln(c.Out, begin+line)
				begin = "  "
			}
		}
	}
	if !r.OK() {
		fmt.Fprintln(c.Out, paint.red("NOT VERIFIED")+": do not rely on anything in this bundle")
		list("Wrong", r.Problems)
		return
	}
	m := r.Manifest
	fmt.Fprintf(c.Out, "%s: %s, %s and %s about %s %s\n", paint.green("Verified"), documents(m.Documents), count(m.Tokens, "original"), count(m.Decisions, "decision"), m.Asked.Kind, plain(m.Asked.Value))
	fmt.Fprintf(c.Out, "exported on %s by %s with signalbox %s\n", m.Made.Format("2006-01-02 15:04:05Z"), plain(m.By), plain(m.Version))
	if m.Comment != "" {
		fmt.Fprintf(c.Out, "because: %s\n", plain(m.Comment))
	}
	list("Proven", r.Proven)
	list("Not proven", r.NotProven)
}
