package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/backup"
)

// StoreBackend is what the interface may do with the store.
type StoreBackend struct {
	Status  func(context.Context) (StoreStatus, error)
	Compact func(ctx context.Context, by string) (CompactAnswer, error)
	Backup  func(ctx context.Context, dir, by string, progress backup.Progress) (backup.Manifest, error)
	Rebuild func(ctx context.Context, index, by string) (RebuildAnswer, error)
}

// StoreStatus is what is in the store and how full its bounds are.
type StoreStatus struct {
	Running bool           `json:"running"` // asked of the running product
	Format  int            `json:"format"`
	Journal StoreJournal   `json:"journal"`
	Disk    StoreDisk      `json:"disk"`
	Parts   []StorePart    `json:"parts"`
	Cursors []StoreCursor  `json:"cursors"`
	Queues  []StoreQueue   `json:"queues"`
	Timers  StoreTimers    `json:"timers"`
	Budgets []BudgetStatus `json:"budgets"`
}

// StoreJournal is the extent of the journal.
type StoreJournal struct {
	Records   uint64    `json:"records"`
	First     uint64    `json:"first"`
	Last      uint64    `json:"last"`
	FirstTime time.Time `json:"first_time,omitzero"`
	LastTime  time.Time `json:"last_time,omitzero"`
	Bytes     int64     `json:"bytes"` // before compression
}

// StoreDisk is what the store takes on disk.
type StoreDisk struct {
	Tables int64 `json:"tables"`
	Log    int64 `json:"log"` // not in tables yet, or soon removed
	Free   int64 `json:"free"`
}

// StorePart is one kind of data and the bytes its tables have on disk.
type StorePart struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// StoreCursor is how far a reader of the journal is.
type StoreCursor struct {
	Name string `json:"name"`
	At   uint64 `json:"at"`
	Lag  uint64 `json:"lag"`
}

// StoreQueue is what waits for a sink.
type StoreQueue struct {
	Sink    string    `json:"sink"`
	Pending int       `json:"pending"`
	Oldest  time.Time `json:"oldest"`
}

// StoreTimers counts the timers that are set.
type StoreTimers struct {
	Count int       `json:"count"`
	Next  time.Time `json:"next,omitzero"`
}

// BudgetStatus is how full a bound is.
type BudgetStatus struct {
	Name    string `json:"name"`
	Of      string `json:"of,omitempty"` // pending: the sink
	Used    int64  `json:"used"`
	Max     int64  `json:"max"`
	Percent int    `json:"percent"`
	AtLimit string `json:"at_limit"` // what happens at 100 %
}

// CompactAnswer is what a compaction won.
type CompactAnswer struct {
	Before int64 `json:"before"` // bytes of tables and log
	After  int64 `json:"after"`
}

// RebuildAnswer is what a rebuild of an index has to do.
type RebuildAnswer struct {
	Index   string `json:"index"`
	Records uint64 `json:"records"`
}

// BackupRequest asks for a backup.
type BackupRequest struct {
	Dir string `json:"dir"` // absolute, on the machine of the product
	By  string `json:"by"`
}

// BackupStep is one line of the answer to a backup: how far it is, or, in the
// last one, what came of it.
type BackupStep struct {
	Phase    string           `json:"phase,omitempty"`
	Done     int64            `json:"done,omitempty"`
	Total    int64            `json:"total,omitempty"`
	Manifest *backup.Manifest `json:"manifest,omitempty"`
	Error    string           `json:"error,omitempty"`
}

// handleStore adds the commands about the store.
func (b Backend) handleStore(mux *http.ServeMux, handle func(string, func(*http.Request) (any, error))) {
	handle("GET /v1/store", func(r *http.Request) (any, error) { return b.Store.Status(r.Context()) })
	handle("POST /v1/store/compact", func(r *http.Request) (any, error) {
		by, err := commandBy(r)
		if err != nil {
			return nil, err
		}
		return b.Store.Compact(r.Context(), by)
	})
	handle("POST /v1/indexes/{name}/rebuild", func(r *http.Request) (any, error) {
		by, err := commandBy(r)
		if err != nil {
			return nil, err
		}
		return b.Store.Rebuild(r.Context(), r.PathValue("name"), by)
	})
	mux.HandleFunc("POST /v1/backup", b.backup)
}

// commandBy reads who gives a command.
func commandBy(r *http.Request) (string, error) {
	var req OperatorRequest
	if err := decode(r, &req); err != nil {
		return "", err
	}
	if req.By == "" {
		return "", &Error{Message: "by: say who gives the command"}
	}
	return req.By, nil
}

// progressEvery is how often the progress of a backup is told.
const progressEvery = 200 * time.Millisecond

// backup answers with one line per step; a peer that goes away ends it.
func (b Backend) backup(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	var req BackupRequest
	err := decode(r, &req)
	switch {
	case err != nil:
	case req.By == "":
		err = &Error{Message: "by: say who gives the command"}
	case req.Dir == "":
		err = &Error{Message: "dir: say where the backup goes"}
	}
	if err != nil {
		answer(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines, control := json.NewEncoder(w), http.NewResponseController(w)
	// A backup takes as long as it takes; deadlines not set are no fault.
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	var told time.Time
	tell := func(s BackupStep) {
		told = time.Now()
		_ = lines.Encode(s)
		_ = control.Flush()
	}
	m, err := b.Store.Backup(r.Context(), req.Dir, req.By, func(phase string, done, total int64) {
		if time.Since(told) >= progressEvery {
			tell(BackupStep{Phase: phase, Done: done, Total: total})
		}
	})
	if err != nil {
		tell(BackupStep{Error: err.Error()})
		return
	}
	tell(BackupStep{Manifest: &m})
}

// Store asks what is in the store.
func (c *Client) Store(ctx context.Context) (s StoreStatus, err error) {
	return s, c.do(ctx, http.MethodGet, "/v1/store", nil, nil, &s)
}

// Compact makes the store give back room. It may take long.
func (c *Client) Compact(ctx context.Context, r OperatorRequest) (a CompactAnswer, err error) {
	return a, c.unhurried().do(ctx, http.MethodPost, "/v1/store/compact", nil, r, &a)
}

// Rebuild gives an index the whole journal again.
func (c *Client) Rebuild(ctx context.Context, index string, r OperatorRequest) (a RebuildAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/indexes/"+url.PathEscape(index)+"/rebuild", nil, r, &a)
}

// unhurried is the client without a bound on the time of a request.
func (c *Client) unhurried() *Client {
	h := *c.http
	h.Timeout = 0
	return &Client{socket: c.socket, http: &h}
}

// Backup makes a backup; progress is told how far it is.
func (c *Client) Backup(ctx context.Context, req BackupRequest, progress backup.Progress) (m backup.Manifest, err error) {
	text, err := json.Marshal(req)
	if err != nil {
		return m, err
	}
	hr, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://signalbox/v1/backup", bytes.NewReader(text))
	if err != nil {
		return m, err
	}
	hr.Header.Set("Content-Type", "application/json")
	resp, err := c.unhurried().http.Do(hr)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return m, fmt.Errorf("%w: nothing answers on %s", ErrNotRunning, c.socket)
		}
		return m, fmt.Errorf("ask the running product: %w", err)
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	for {
		var s BackupStep
		if err := lines.Decode(&s); err != nil {
			return m, fmt.Errorf("the product ended before the backup was complete: %w", err)
		}
		switch {
		case s.Error != "":
			return m, &Error{Message: s.Error}
		case s.Manifest != nil:
			return *s.Manifest, nil
		}
		progress(s.Phase, s.Done, s.Total)
	}
}
