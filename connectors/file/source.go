package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Bounds of one batch and of the files read at a time.
const (
	maxBatch      = 200
	maxBatchBytes = 1 << 20
	maxFiles      = 1000
)

// source is a configured source "file".
type source struct {
	name    string
	pattern string
	follow  bool
	mapping string
	bounds  bounds
	most    int // messages in a batch
	log     *slog.Logger
	now     func() time.Time
	tails   []*tail // in the order they are read; kept from one Run to the next
	odd     recent  // names of no files, which were told of
}

var (
	_ pipeline.Source = (*source)(nil)
	_ io.Closer       = (*source)(nil)
)

func newSource(c *SourceConfig, env kind.Env) *source {
	b, _ := c.bounds()
	return &source{
		name: env.Name, pattern: env.Path(c.Path), follow: c.Follow, mapping: c.Mapping, bounds: b, most: env.Messages(maxBatch),
		log: env.Logger(), now: env.Clock(),
	}
}

// Run implements pipeline.Source. Having read everything it waits for ctx to
// end, with follow looking for more in between.
func (s *source) Run(ctx context.Context, h pipeline.Handler) error {
	for {
		if err := s.sweep(ctx, h); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if !s.follow {
			<-ctx.Done()
			return nil
		}
		if !wait(ctx, s.bounds.every) {
			return nil
		}
	}
}

// Close closes the files. The source does not run then.
func (s *source) Close() error {
	var errs []error
	for _, t := range s.tails {
		errs = append(errs, t.close())
	}
	s.tails = nil
	return errors.Join(errs...)
}

// sweep reads all there is to read now.
func (s *source) sweep(ctx context.Context, h pipeline.Handler) error {
	if err := s.match(); err != nil {
		return err
	}
	kept := s.tails[:0:0]
	for _, t := range s.tails {
		whole := !s.follow || t.missed >= 2 // nothing will be added to its last line
		err := s.drain(ctx, h, t, whole)
		if errors.Is(err, os.ErrNotExist) {
			continue // removed before it was opened
		}
		if err == nil && whole {
			err = t.close()
		}
		if err != nil {
			return fmt.Errorf("file source: %w", err)
		}
		if t.missed < 2 {
			kept = append(kept, t)
		}
	}
	s.tails = kept
	return nil
}

// match brings the tails up to date with the files of the pattern. A file that
// got another name is recognized.
func (s *source) match() error {
	names, err := filepath.Glob(s.pattern)
	if err != nil {
		return fmt.Errorf("file source: pattern %s: %w", s.pattern, err)
	}
	if len(names) == 0 && !s.follow {
		return fmt.Errorf("file source: no file matches %s", s.pattern)
	}
	if len(names) > maxFiles {
		return fmt.Errorf("file source: %d files match %s, more than %d; split the folder or narrow the pattern", len(names), s.pattern, maxFiles)
	}
	for _, t := range s.tails {
		t.missed++
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // moved away since
		}
		if err != nil {
			return fmt.Errorf("file source: %w", err)
		}
		if info.IsDir() {
			continue
		}
		if !info.Mode().IsRegular() {
			if !s.odd.has(name) {
				s.odd.add(name)
				s.log.Warn("not read: it is a pipe, socket or device and no file", "file", name)
			}
			continue
		}
		if t := s.tailOf(info); t != nil {
			t.name, t.missed = name, 0
			continue
		}
		s.tails = append(s.tails, &tail{name: name, info: info})
	}
	return nil
}

func (s *source) tailOf(info os.FileInfo) *tail {
	for _, t := range s.tails {
		if os.SameFile(t.info, info) {
			return t
		}
	}
	return nil
}

// drain takes a file's lines to their outcome, batch by batch, up to its end.
// With whole, a last line without a line break counts.
func (s *source) drain(ctx context.Context, h pipeline.Handler, t *tail, whole bool) error {
	state, err := t.open()
	switch {
	case err != nil:
		return err
	case state == unchanged && !whole:
		return nil
	case state == cut:
		s.log.Info("file got shorter, reading it from its beginning", "file", t.name)
	}
	for ctx.Err() == nil {
		batch, err := s.batch(t, whole)
		if err != nil {
			return fmt.Errorf("read %s: %w", t.name, err)
		}
		if len(batch) > 0 {
			if err := offer(ctx, h, batch); err != nil {
				return fmt.Errorf("%s: %w", t.name, err) // open begins behind what is done
			}
		}
		if more := t.acknowledge(); !more {
			return nil
		}
	}
	return ctx.Err()
}

// batch reads the next lines as messages.
func (s *source) batch(t *tail, whole bool) ([]pipeline.Message, error) {
	var msgs []pipeline.Message
	for size := 0; len(msgs) < s.most && size < maxBatchBytes; {
		line, ok, err := t.next(s.bounds.bytes, whole)
		if err != nil || !ok {
			return msgs, err
		}
		if len(line) == 0 {
			continue
		}
		size += len(line)
		msgs = append(msgs, pipeline.Message{
			Source:      s.name,
			Body:        line,
			ContentType: contentType(line),
			Received:    s.now(),
			Sender:      s.name, // who can write the files is trusted to be the one configured
			Position:    t.position(),
			Delivery:    "file",
			Mapping:     s.mapping,
		})
	}
	return msgs, nil
}

// contentType tells a line's form by its first byte: no compact token begins
// with a bracket.
func contentType(line []byte) string {
	if line[0] == '{' || line[0] == '[' {
		return "application/json"
	}
	return "application/secevent+jwt"
}

// How long to wait before messages are offered again.
const (
	firstPause = time.Second
	lastPause  = 30 * time.Second
)

// offer takes messages to their durable outcome. It waits while the handler is
// busy, and offers again what could not be done. An error means that the whole
// batch must be offered again; what was done of it already is known as seen.
func offer(ctx context.Context, h pipeline.Handler, msgs []pipeline.Message) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		receipts, err := h.Handle(ctx, msgs)
		after := pause
		var busy *pipeline.BusyError
		switch {
		case errors.As(err, &busy):
			if busy.After > 0 {
				after = busy.After
			}
		case err != nil:
			return err
		case len(receipts) != len(msgs):
			return fmt.Errorf("handler gave %d receipts for %d messages", len(receipts), len(msgs))
		default:
			var left []pipeline.Message
			for i, r := range receipts {
				if r.Retry != nil {
					left = append(left, msgs[i])
				}
			}
			if len(left) == 0 {
				return nil
			}
			msgs = left
		}
		if !wait(ctx, after) {
			return ctx.Err()
		}
	}
}

// wait reports false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
