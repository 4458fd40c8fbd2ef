package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// sink is a configured sink "file".
type sink struct {
	path string
	now  func() time.Time

	mu      sync.Mutex
	f       *os.File
	written recent
}

var (
	_ pipeline.Sink     = (*sink)(nil)
	_ pipeline.Preparer = (*sink)(nil)
	_ io.Closer         = (*sink)(nil)
)

func openSink(path string, now func() time.Time) (*sink, error) {
	s := &sink{path: path, now: now}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("file sink: %w", err)
	}
	return s, nil
}

// entry is one line.
type entry struct {
	ID      string          `json:"id"`   // of the delivery: lines with equal kind and id are the same thing
	Kind    string          `json:"kind"` // "action", or a document's data stream
	At      time.Time       `json:"at"`
	Payload json.RawMessage `json:"payload,omitempty"` // what is JSON
	Token   string          `json:"token,omitempty"`   // what is not
}

// order is the payload of an action.
type order struct {
	Action  string          `json:"action"`
	Rule    string          `json:"rule,omitempty"`
	Type    string          `json:"type"`
	Event   string          `json:"event,omitempty"`
	Request *request        `json:"request,omitempty"` // of a call, in place of an event
	Subject json.RawMessage `json:"subject,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
	Txn     string          `json:"txn,omitempty"`
	Chain   string          `json:"chain,omitempty"`
	Made    time.Time       `json:"made"`
	Expires time.Time       `json:"expires,omitzero"`
}

// request is what a call asks.
type request struct {
	Method string          `json:"method,omitempty"`
	Path   string          `json:"path,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// Prepare implements pipeline.Preparer: the payload of an action is all that an
// order says, as one JSON object.
func (s *sink) Prepare(_ context.Context, o pipeline.Order) ([]byte, error) {
	p := order{
		Action: o.ActionID, Rule: o.Rule, Type: o.Type, Event: o.Event, Body: o.Body,
		Txn: o.Txn, Chain: o.Chain, Made: o.Made.UTC(), Expires: o.Expires.UTC(),
	}
	if !o.Subject.IsZero() {
		p.Subject = o.Subject.AppendJSON(nil)
	}
	if r := o.Request; r != nil {
		p.Request = &request{r.Method, r.Path, r.Body}
	}
	b, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("file sink: prepare %s: %w", o.ActionID, err)
	}
	return b, nil
}

// Deliver implements pipeline.Sink. A batch is written with one call and
// synchronized once; on an error what was written of it is taken back.
func (s *sink) Deliver(_ context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make([]pipeline.Result, len(batch))
	var text []byte
	fresh := make(map[string]bool, len(batch))
	for i, d := range batch {
		id := key(d.Kind, d.ID)
		if s.written.has(id) || fresh[id] {
			results[i].Info = "already there"
			continue
		}
		line, err := s.line(d)
		if err != nil {
			results[i].Err = &pipeline.FinalError{Code: "unwritable", Err: err}
			continue
		}
		fresh[id] = true
		text = append(append(text, line...), '\n')
		results[i].Info = "written"
	}
	if err := s.append(text); err != nil {
		return nil, fmt.Errorf("file sink: %w", err)
	}
	for id := range fresh {
		s.written.add(id)
	}
	return results, nil
}

// line makes the line of a delivery, without line break.
func (s *sink) line(d pipeline.Delivery) ([]byte, error) {
	e := entry{ID: d.ID, Kind: d.Kind, At: s.now().UTC()}
	var compact bytes.Buffer
	if err := json.Compact(&compact, d.Payload); err == nil {
		e.Payload = compact.Bytes()
	} else {
		e.Token = string(d.Payload)
	}
	return json.Marshal(e)
}

// append writes text to the end of the file and onto the disk.
func (s *sink) append(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if err := s.follow(); err != nil {
		return err
	}
	before, err := s.f.Stat()
	if err != nil {
		return err
	}
	if _, err := s.f.Write(text); err != nil {
		return errors.Join(err, s.f.Truncate(before.Size()))
	}
	return s.f.Sync()
}

// follow opens the file anew when it was moved away or removed, as by a program
// that rotates logs.
func (s *sink) follow() error {
	if s.f != nil {
		here, err := s.f.Stat()
		if err != nil {
			return err
		}
		if there, err := os.Stat(s.path); err == nil && os.SameFile(here, there) {
			return nil
		}
	}
	return s.open()
}

// open opens or makes the file, and learns what stands at its end.
func (s *sink) open() error {
	if err := s.close(); err != nil {
		return err
	}
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	end, err := readEnd(f)
	if err == nil && len(end) > 0 && end[len(end)-1] != '\n' {
		_, err = f.WriteString("\n") // a line broke off: the next one begins its own
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.f = f
	for line := range bytes.Lines(end) {
		var e entry
		if json.Unmarshal(line, &e) == nil && e.ID != "" {
			s.written.add(key(e.Kind, e.ID))
		}
	}
	return nil
}

// endBytes is how much of the file's end is looked at for lines written before.
const endBytes = 1 << 20

func readEnd(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	n := min(info.Size(), endBytes)
	end := make([]byte, n)
	if _, err := f.ReadAt(end, info.Size()-n); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return end, nil
}

// syncDir makes the name of a new file durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close implements io.Closer.
func (s *sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close()
}

func (s *sink) close() error {
	if s.f == nil {
		return nil
	}
	err := s.f.Close()
	s.f = nil
	return err
}

func key(kind, id string) string { return kind + "\x00" + id }
