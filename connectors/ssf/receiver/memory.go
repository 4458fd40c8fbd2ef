package receiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
)

// memory is what a source must know after a restart: its stream, the
// verification events it asked for, and what it said of its health. It is one
// small file; without a path it is in memory only. Safe for concurrent use.
type memory struct {
	path string

	mu   sync.Mutex
	data remembered
}

type remembered struct {
	Stream   string           `json:"stream,omitempty"`   // stream_id
	States   map[string]asked `json:"states,omitempty"`   // of verification events, by state
	Verified time.Time        `json:"verified,omitzero"`  // last round trip completed
	Seen     time.Time        `json:"seen,omitzero"`      // last SET, as of the last time this was written
	Told     string           `json:"told,omitempty"`     // last feed-health status
	Subjects []string         `json:"subjects,omitempty"` // keys added to the stream
}

// asked is one verification request.
type asked struct {
	At  time.Time `json:"at"`
	JTI string    `json:"jti,omitempty"` // of the token that answered
}

// Bounds of the states that are remembered.
const (
	mostStates = 64
	stateLife  = 24 * time.Hour
)

// memoryPath is where a source keeps its memory.
func memoryPath(env kind.Env) string {
	if env.DataDir == "" {
		return ""
	}
	return filepath.Join(env.DataDir, "streams", env.Name+".json")
}

// openMemory reads what was kept. A file that cannot be read is an error: what
// it held would be asked for anew and a second stream made.
func openMemory(path string) (*memory, error) {
	m := &memory{path: path}
	if path == "" {
		return m, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m.data)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w; remove the file to begin anew", path, err)
	}
	return m, nil
}

// get is a copy without the states.
func (m *memory) get() remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.data
	d.States = nil
	return d
}

// change changes what is remembered, and returns when that is on disk.
func (m *memory) change(f func(*remembered)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.data)
	if m.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(&m.data, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(m.path), 0o700)
	}
	if err == nil {
		err = replaceFile(m.path, text)
	}
	if err != nil {
		return fmt.Errorf("remember the stream: %w", err)
	}
	return nil
}

// replaceFile writes a file so that it is there whole, old or new.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ask remembers a state before it is asked for, and forgets the old ones.
func (m *memory) ask(state string, now time.Time) error {
	return m.change(func(d *remembered) {
		for s, a := range d.States {
			if now.Sub(a.At) > stateLife {
				delete(d.States, s)
			}
		}
		for len(d.States) >= mostStates {
			oldest := ""
			for s, a := range d.States {
				if oldest == "" || a.At.Before(d.States[oldest].At) {
					oldest = s
				}
			}
			delete(d.States, oldest)
		}
		if d.States == nil {
			d.States = map[string]asked{}
		}
		d.States[state] = asked{At: now}
	})
}

// unask takes back a state that was not asked for after all.
func (m *memory) unask(state string) error {
	return m.change(func(d *remembered) { delete(d.States, state) })
}

// expected implements set.StateChecker for the one stream: a state is good for
// one token, whatever its age within a day.
func (m *memory) expected(stream, state, jti string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.data.States[state]
	return ok && stream == m.data.Stream && now.Sub(a.At) <= stateLife && (a.JTI == "" || a.JTI == jti)
}

// answered notes that a verification event is durable here.
func (m *memory) answered(state, jti string, at time.Time) error {
	m.mu.Lock()
	a, ok := m.data.States[state]
	m.mu.Unlock()
	if !ok || a.JTI != "" {
		return nil
	}
	return m.change(func(d *remembered) {
		d.States[state] = asked{At: a.At, JTI: jti}
		if at.After(d.Verified) {
			d.Verified = at
		}
	})
}

// lastAsked is when a verification event was last asked for.
func (m *memory) lastAsked() (last time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.data.States {
		last = later(last, a.At)
	}
	return last
}

// waiting is when the oldest request was made that nobody answered and that is
// younger than the last answered one, zero if all were answered. What was asked
// before the last round trip is forgiven: it showed what was to be shown.
func (m *memory) waiting() (oldest time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.data.States {
		if a.JTI == "" && a.At.After(m.data.Verified) && (oldest.IsZero() || a.At.Before(oldest)) {
			oldest = a.At
		}
	}
	return oldest
}
