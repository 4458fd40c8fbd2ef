package query

import (
	"context"
	"time"
)

// Bounds of one page.
const (
	DefaultSize = 100
	MaxSize     = 10_000
)

// Searcher answers queries over the documents of an index.
type Searcher interface {
	// Search returns one page of the documents that match, by the rules of the
	// package comment. A bad option or cursor is an *Error; any other error
	// means that the index could not be read. Safe for concurrent use.
	Search(ctx context.Context, q Query, o Options) (Page, error)
}

// Options says which part of the answer is wanted, and how. The zero value is
// the newest documents of all times.
type Options struct {
	From time.Time // earliest @timestamp, included; zero: no bound
	To   time.Time // latest @timestamp, excluded; zero: no bound
	Size int       // hits of a page; 0 means DefaultSize, at most MaxSize
	Sort Sort
	// After continues behind the page whose Next it was. Query, times and sort
	// must be the same.
	After string
	// Now is what now stands for in the query; zero means the clock. Give pages
	// of one search the same.
	Now time.Time
	// SkipTotal leaves Page.Total at -1, so that a searcher can stop reading
	// when the page is full.
	SkipTotal bool
}

// Page is one page of an answer.
type Page struct {
	Docs  []Hit
	Next  string // cursor of the next page, "" after the last
	Total int    // matches in all pages; -1 when not counted
	// Partial says why documents may be missing from the page and the total, ""
	// when none are: a time or size limit of the searcher was reached.
	Partial string
}

// Hit is one document found.
type Hit struct {
	ID     string
	Stream string
	Time   time.Time // its @timestamp
	JSON   []byte    // the document
}
