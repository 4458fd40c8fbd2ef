package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// folder is a folder of files a source reads, as the suite sees it.
type folder struct {
	t   *testing.T
	dir string
	mu  sync.Mutex
}

func (f *folder) Offer(bodies ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	add(f.t, filepath.Join(f.dir, "in.jwt"), strings.Join(bodies, "\n")+"\n")
}

func (f *folder) Settled(string) (settled, known bool) { return false, false }

func (f *folder) Await(context.Context, string) error { return nil }

// add appends text to a file, making it if need be.
func add(t testing.TB, name, text string) {
	t.Helper()
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, c SourceConfig) *source {
	t.Helper()
	if problems := c.Validate(); problems != nil {
		t.Fatal(problems)
	}
	s, err := c.Open(kind.Env{Name: "in"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.(*source).Close() })
	return s.(*source)
}

func TestConformance(t *testing.T) {
	pipelinetest.TestSource(t, func(t *testing.T) (pipeline.Source, pipelinetest.Upstream) {
		dir := t.TempDir()
		src := open(t, SourceConfig{Path: filepath.Join(dir, "*.jwt"), Follow: true, Every: 10 * time.Millisecond})
		return src, &folder{t: t, dir: dir}
	})
}

func TestSourceValidate(t *testing.T) {
	for name, c := range map[string]struct {
		config SourceConfig
		fields []string
	}{
		"a file":               {SourceConfig{Path: "in.jwt"}, nil},
		"followed":             {SourceConfig{Path: "in/*.jsonl", Follow: true, Every: time.Second}, nil},
		"no path":              {SourceConfig{}, []string{"path"}},
		"bad pattern":          {SourceConfig{Path: "in/[a.jwt"}, []string{"path"}},
		"every without follow": {SourceConfig{Path: "in", Every: time.Second}, []string{"every"}},
		"out of range":         {SourceConfig{Path: "in", Follow: true, Every: time.Nanosecond, MaxBytes: 1}, []string{"every", "max_bytes"}},
	} {
		var got []string
		for _, p := range c.config.Validate() {
			got = append(got, p.Field)
		}
		if !slices.Equal(got, c.fields) {
			t.Errorf("%s: problems of %q, want %q", name, got, c.fields)
		}
	}
}

// sweep reads once and returns what was handled as "position content-type body".
func sweep(t testing.TB, s *source, rec *pipelinetest.Recorder) []string {
	t.Helper()
	before := len(rec.Messages())
	if err := s.sweep(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range rec.Messages()[before:] {
		if m.Source != "in" || m.Sender != "in" || m.Received.IsZero() {
			t.Errorf("message %+v", m)
		}
		lines = append(lines, filepath.Base(m.Position)+" "+strings.TrimPrefix(m.ContentType, "application/")+" "+string(m.Body))
	}
	return lines
}

func want(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("read %q\nwant %q", got, want)
	}
}

func TestReadsFilesInOrder(t *testing.T) {
	dir := t.TempDir()
	add(t, filepath.Join(dir, "b.jsonl"), "{\"a\":1}\r\n\n   \n\t[2]  \nlast")
	add(t, filepath.Join(dir, "a.jsonl"), "x.y.z\n")
	add(t, filepath.Join(dir, "empty.jsonl"), "")
	add(t, filepath.Join(dir, "other.txt"), "not matched\n")
	if err := os.Mkdir(filepath.Join(dir, "dir.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, rec := open(t, SourceConfig{Path: filepath.Join(dir, "*.jsonl")}), pipelinetest.NewRecorder()
	want(t, sweep(t, s, rec),
		"a.jsonl:1 secevent+jwt x.y.z",
		`b.jsonl:1 json {"a":1}`,
		"b.jsonl:4 json [2]",
		"b.jsonl:5 secevent+jwt last")
	want(t, sweep(t, s, rec))
}

func TestNoFile(t *testing.T) {
	s := open(t, SourceConfig{Path: filepath.Join(t.TempDir(), "*.jwt")})
	if err := s.Run(t.Context(), pipelinetest.NewRecorder()); err == nil || !strings.Contains(err.Error(), "no file matches") {
		t.Errorf("error %v", err)
	}
}

func TestLongLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "in.jsonl")
	exact := `{"a":"` + strings.Repeat("x", 1024-8) + `"}`
	spaces := `{}` + strings.Repeat(" ", 2000) // harmless once cut, were it not marked
	add(t, name, strings.Join([]string{"first", exact + "\r", exact + "x", spaces, strings.Repeat("y", 200_000), "last"}, "\n")+"\n")
	s, rec := open(t, SourceConfig{Path: name, MaxBytes: 1024}), pipelinetest.NewRecorder()
	want(t, sweep(t, s, rec),
		"in.jsonl:1 secevent+jwt first",
		"in.jsonl:2 json "+exact,
		"in.jsonl:3 json "+exact+"... [cut: the line has 1026 bytes, 1024 are allowed]",
		"in.jsonl:4 json {}"+strings.Repeat(" ", 1022)+"... [cut: the line has 2003 bytes, 1024 are allowed]",
		"in.jsonl:5 secevent+jwt "+strings.Repeat("y", 1024)+"... [cut: the line has 200001 bytes, 1024 are allowed]",
		"in.jsonl:6 secevent+jwt last")
}

func TestFollow(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "in.jwt")
	s, rec := open(t, SourceConfig{Path: filepath.Join(dir, "*.jwt"), Follow: true}), pipelinetest.NewRecorder()
	want(t, sweep(t, s, rec))

	add(t, name, "one\nhalf")
	want(t, sweep(t, s, rec), "in.jwt:1 secevent+jwt one")
	want(t, sweep(t, s, rec))
	add(t, name, " of two\n")
	want(t, sweep(t, s, rec), "in.jwt:2 secevent+jwt half of two")

	add(t, filepath.Join(dir, "more.jwt"), "three\n")
	want(t, sweep(t, s, rec), "more.jwt:1 secevent+jwt three")

	t.Run("cut", func(t *testing.T) {
		if err := os.Truncate(name, 0); err != nil {
			t.Fatal(err)
		}
		add(t, name, "four\n")
		want(t, sweep(t, s, rec), "in.jwt:1 secevent+jwt four")
	})
	t.Run("renamed", func(t *testing.T) {
		add(t, name, "five\n") // written before the file was moved
		if err := os.Rename(name, filepath.Join(dir, "in.1.jwt")); err != nil {
			t.Fatal(err)
		}
		add(t, name, "six\n")
		want(t, sweep(t, s, rec), "in.1.jwt:2 secevent+jwt five", "in.jwt:1 secevent+jwt six")
	})
	t.Run("moved away", func(t *testing.T) {
		add(t, name, "seven\neight")
		if err := os.Rename(name, filepath.Join(dir, "in.old")); err != nil {
			t.Fatal(err)
		}
		add(t, name, "nine\n")
		want(t, sweep(t, s, rec), "in.jwt:2 secevent+jwt seven", "in.jwt:1 secevent+jwt nine")
		want(t, sweep(t, s, rec), "in.jwt:3 secevent+jwt eight") // nobody writes there any more
		want(t, sweep(t, s, rec))
		if n := len(s.tails); n != 3 {
			t.Errorf("%d files are kept, want 3", n)
		}
	})
}

func TestRemovedBeforeItWasOpened(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.jwt")
	add(t, name, "one\n")
	s, rec := open(t, SourceConfig{Path: filepath.Join(dir, "*.jwt"), Follow: true}), pipelinetest.NewRecorder()
	if err := s.match(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	add(t, filepath.Join(dir, "b.jwt"), "two\n")
	want(t, sweep(t, s, rec), "b.jwt:1 secevent+jwt two")
	if len(s.tails) != 1 {
		t.Errorf("%d files are kept, want 1", len(s.tails))
	}
}

func TestBatchesAreBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "in.jwt")
	add(t, name, strings.Repeat("x\n", 450)+strings.Repeat(strings.Repeat("y", 200<<10)+"\n", 7))
	s := open(t, SourceConfig{Path: name})
	var sizes []int
	err := s.sweep(t.Context(), pipeline.HandlerFunc(func(_ context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		sizes = append(sizes, len(msgs))
		return make([]pipeline.Receipt, len(msgs)), nil
	}))
	if err != nil || !slices.Equal(sizes, []int{200, 200, 56, 1}) {
		t.Errorf("batches of %v, error %v", sizes, err)
	}
}

// TestFault: after a fault the batch is offered again, and nothing before it.
func TestFault(t *testing.T) {
	name := filepath.Join(t.TempDir(), "in.jwt")
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf("line-%03d", i))
	}
	add(t, name, strings.Join(lines, "\n"))
	s, rec := open(t, SourceConfig{Path: name}), pipelinetest.NewRecorder()
	calls := 0
	h := pipeline.HandlerFunc(func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		if calls++; calls == 2 {
			return nil, errors.New("disk is gone")
		}
		return rec.Handle(ctx, msgs)
	})
	if err := s.Run(t.Context(), h); err == nil || !strings.Contains(err.Error(), "disk is gone") || !strings.Contains(err.Error(), name) {
		t.Fatalf("error %v", err)
	}
	if err := s.sweep(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range rec.Messages() {
		got = append(got, string(m.Body))
	}
	want(t, got, lines...)
}

// TestWaits: a busy handler and messages that could not be done now are asked
// again after the time given, doubling where none was given.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		answers := []func(n int) ([]pipeline.Receipt, error){
			func(int) ([]pipeline.Receipt, error) { return nil, &pipeline.BusyError{After: 7 * time.Second} },
			func(int) ([]pipeline.Receipt, error) { return nil, &pipeline.BusyError{} },
			func(n int) ([]pipeline.Receipt, error) {
				r := make([]pipeline.Receipt, n)
				r[1].Retry = errors.New("keys out of reach")
				return r, nil
			},
			func(n int) ([]pipeline.Receipt, error) {
				if n != 1 {
					t.Errorf("%d messages were offered again, want the one not done", n)
				}
				return make([]pipeline.Receipt, n), nil
			},
		}
		err := offer(t.Context(), pipeline.HandlerFunc(func(_ context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
			at = append(at, time.Since(start))
			answer := answers[0]
			answers = answers[1:]
			return answer(len(msgs))
		}), make([]pipeline.Message, 3))
		want := []time.Duration{0, 7 * time.Second, 9 * time.Second, 13 * time.Second}
		if err != nil || !slices.Equal(at, want) {
			t.Errorf("offered at %v, want %v; error %v", at, want, err)
		}
	})
}

func TestWrongNumberOfReceipts(t *testing.T) {
	err := offer(t.Context(), pipeline.HandlerFunc(func(context.Context, []pipeline.Message) ([]pipeline.Receipt, error) {
		return nil, nil
	}), make([]pipeline.Message, 2))
	if err == nil {
		t.Error("no error")
	}
}

// FuzzLines: whatever a file holds, its lines come out whole, cut or not, each
// with its number, and no text is lost.
func FuzzLines(f *testing.F) {
	f.Add([]byte("one\r\ntwo\n\nthree"))
	f.Add([]byte(strings.Repeat("x", 1025) + "\n"))
	f.Add([]byte(strings.Repeat(" ", 1024) + "x\n\x00\xff"))
	name := filepath.Join(f.TempDir(), "in.jwt")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, rec := open(t, SourceConfig{Path: name, MaxBytes: 1024}), pipelinetest.NewRecorder()
		if err := s.sweep(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		got := rec.Messages()
		for i, line := range bytes.Split(text, []byte("\n")) {
			whole := bytes.TrimSpace(line)
			if len(whole) == 0 && len(bytes.TrimRight(line, "\r")) <= 1024 {
				continue
			}
			if len(got) == 0 {
				t.Fatalf("line %d is missing", i+1)
			}
			m := got[0]
			got = got[1:]
			if m.Position != fmt.Sprintf("%s:%d", name, i+1) {
				t.Fatalf("position %s, want line %d", m.Position, i+1)
			}
			cut := bytes.Contains(m.Body, []byte("... [cut: the line has "))
			if !cut && !bytes.Equal(m.Body, whole) || cut && len(line) <= 1024 && !bytes.Equal(m.Body, whole) {
				t.Fatalf("line %d: %q came as %q", i+1, line, m.Body)
			}
		}
		if len(got) > 0 {
			t.Fatalf("%d messages too many", len(got))
		}
	})
}
