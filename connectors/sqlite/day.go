package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// schemaVersion is the user_version of a file. A file of another version is
// not touched: the index is to be rebuilt.
const schemaVersion = 1

// schema makes a file. The rows of docs are numbered in the order of delivery;
// terms holds the tokens of the row of the same number and nothing else, so
// that it is small and fast to write.
const schema = `
CREATE TABLE docs (
	n      INTEGER PRIMARY KEY,
	id     TEXT NOT NULL UNIQUE,
	stream TEXT NOT NULL,
	ts     INTEGER NOT NULL,
	seq    INTEGER NOT NULL,
	json   BLOB NOT NULL
);
CREATE INDEX docs_time ON docs (ts, seq);
CREATE VIRTUAL TABLE terms USING fts5 (tokens, content='', columnsize=0, detail=none, tokenize='ascii');
`

const fileSuffix = ".db"

// dayName is the name of the day t is on, in UTC. Names sort by time.
func dayName(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// dayOfFile reads the name of a day's file.
func dayOfFile(name string) (day string, ok bool) {
	day, ok = strings.CutSuffix(name, fileSuffix)
	if !ok {
		return "", false
	}
	_, err := time.Parse(time.DateOnly, day)
	return day, err == nil
}

// day is the file of one day, opened when it is first needed. Idle connections
// end by themselves, so that a long retention costs no memory.
type day struct {
	name string
	path string

	mu   sync.RWMutex // write-held to open, close and remove
	db   *sql.DB
	gone bool
}

func newDay(dir, name string) *day {
	return &day{name: name, path: filepath.Join(dir, name+fileSuffix)}
}

// use calls f with the open database. The file is not removed meanwhile. f is
// not called when it already is.
func (d *day) use(ctx context.Context, f func(*sql.DB) error) error {
	d.mu.RLock()
	if d.db == nil && !d.gone {
		d.mu.RUnlock()
		if err := d.open(ctx); err != nil {
			return fmt.Errorf("sqlite: open %s: %w", d.path, err)
		}
		d.mu.RLock()
	}
	defer d.mu.RUnlock()
	if d.gone {
		return nil
	}
	return f(d.db)
}

func (d *day) open(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.db != nil || d.gone {
		return nil
	}
	// synchronous FULL makes each commit of the write-ahead log durable; see the
	// package comment.
	source := url.URL{Scheme: "file", Path: filepath.ToSlash(d.path), RawQuery: url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "temp_store(MEMORY)", "journal_size_limit(16777216)"},
	}.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(4)
	db.SetConnMaxIdleTime(time.Minute)
	if err := prepare(ctx, db); err != nil {
		return errors.Join(err, db.Close())
	}
	d.db = db
	return nil
}

// prepare makes the schema of a new file and checks that of an old one.
func prepare(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
	default:
		return fmt.Errorf("file has version %d, this program knows %d: run signalbox index rebuild", version, schemaVersion)
	}
	if _, err := tx.ExecContext(ctx, schema+fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
		return err
	}
	return tx.Commit()
}

// insert writes the rows in one transaction; those already there are left. Once
// begun it is not canceled: a batch takes milliseconds, and the driver would
// start a goroutine per statement to listen.
func (d *day) insert(ctx context.Context, rows []row) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	err := d.use(ctx, func(db *sql.DB) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		docs, err := tx.PrepareContext(ctx, "INSERT INTO docs (id, stream, ts, seq, json) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING")
		if err != nil {
			return err
		}
		defer docs.Close()
		terms, err := tx.PrepareContext(ctx, "INSERT INTO terms (rowid, tokens) VALUES (?, ?)")
		if err != nil {
			return err
		}
		defer terms.Close()
		for i := range rows {
			r := &rows[i]
			res, err := docs.ExecContext(ctx, r.id, r.stream, r.ts, r.seq, r.json)
			if err != nil {
				return err
			}
			if added, err := res.RowsAffected(); err != nil || added == 0 {
				if err != nil {
					return err
				}
				continue
			}
			n, err := res.LastInsertId()
			if err != nil {
				return err
			}
			if _, err := terms.ExecContext(ctx, n, r.tokens); err != nil {
				return err
			}
		}
		return tx.Commit()
	})
	if err != nil {
		return fmt.Errorf("sqlite: write %s: %w", d.name, err)
	}
	return nil
}

func (d *day) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
	if d.db == nil {
		return nil
	}
	err := d.db.Close()
	d.db = nil
	return err
}

// remove closes the day and deletes its files.
func (d *day) remove() error {
	err := d.close()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if e := os.Remove(d.path + suffix); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return fmt.Errorf("sqlite: remove %s: %w", d.name, err)
	}
	return nil
}
