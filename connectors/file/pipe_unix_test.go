//go:build unix

package file

import (
	"context"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestPipesAreNotRead: a pipe that somebody puts beside the files, or in the
// place of one, stops neither the source nor its end.
func TestPipesAreNotRead(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "a.jsonl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	add(t, filepath.Join(dir, "b.jsonl"), "x\n")
	s := open(t, SourceConfig{Path: filepath.Join(dir, "*.jsonl"), Follow: true})
	defer s.Close()
	var got []string
	ended := make(chan error, 1)
	go func() {
		ended <- s.sweep(t.Context(), pipeline.HandlerFunc(func(_ context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
			for _, m := range msgs {
				got = append(got, string(m.Body))
			}
			return make([]pipeline.Receipt, len(msgs)), nil
		}))
	}()
	select {
	case err := <-ended:
		if err != nil || !slices.Equal(got, []string{"x"}) {
			t.Errorf("read %q, %v", got, err)
		}
	case <-time.After(pipelinetest.Patience):
		t.Fatal("the source waits for the other end of a pipe")
	}
	if _, err := (&tail{name: pipe}).open(); err == nil {
		t.Error("a pipe was opened as a file")
	}
}
