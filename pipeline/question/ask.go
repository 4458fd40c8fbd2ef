package question

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Bounds of an answer.
const (
	DefaultLimit = 100
	MaxLimit     = 10_000
	// maxRead is how many documents a sequence or chain reads.
	maxRead = 500_000
	// maxRoots is how many chains one id may belong to.
	maxRoots = 20
	pageSize = 1000
)

// Request is what is asked for. The zero value takes every default.
type Request struct {
	Values map[string]string // of parameters, by name
	From   time.Time         // as in query.Options; both zero: Question.Since before Now
	To     time.Time
	Now    time.Time // zero: the clock
	Limit  int       // rows or documents; 0 means DefaultLimit, at most MaxLimit
}

// Ask answers a question. A mistake in the request is an *Error or a
// *query.Error; any other error means that the index could not be read, or
// cannot count. Safe for concurrent use if the searcher is.
func Ask(ctx context.Context, s query.Searcher, q Question, r Request) (Answer, error) {
	values, err := q.Check(r.Values)
	if err != nil {
		return Answer{}, err
	}
	if r.Now.IsZero() {
		r.Now = time.Now()
	}
	if r.From.IsZero() && r.To.IsZero() && q.Since > 0 {
		r.From = r.Now.Add(-q.Since)
	}
	if r.Limit == 0 {
		r.Limit = DefaultLimit
	}
	if r.Limit < 0 || r.Limit > MaxLimit {
		return Answer{}, &Error{"limit is out of range", "ask for at most 10000 rows"}
	}
	r.Values = values
	a := asking{ctx: ctx, searcher: s, question: q, request: r}
	switch {
	case q.Timeline != "":
		about, err := query.Timeline(q.Timeline, values[q.Timeline])
		if err == nil && q.Endings {
			about, err = a.withEndings(about)
		}
		if err != nil {
			return Answer{}, err
		}
		return a.documents(about)
	case q.Chain != "":
		return a.chain(values[q.Chain])
	case q.Count != nil:
		return a.count(q.Count)
	}
	return a.sequence(q.Sequence)
}

// asking is one question on its way.
type asking struct {
	ctx      context.Context
	searcher query.Searcher
	question Question
	request  Request
}

// documents gives what matches, the oldest first.
func (a *asking) documents(q query.Query) (Answer, error) {
	r := a.request
	page, err := a.searcher.Search(a.ctx, q, query.Options{From: r.From, To: r.To, Now: r.Now, Size: r.Limit, Sort: query.Sort{Asc: true}})
	if err != nil {
		return Answer{}, err
	}
	return Answer{Docs: page.Docs, Found: page.Total, Partial: page.Partial}, nil
}

// errTooMany ends reading at the bound.
var errTooMany = errors.New("more documents than are read for one answer")

// each hands over the documents that match, the oldest first, until take says
// no. to is the end of the time looked at.
func (a *asking) each(q query.Query, to time.Time, most int, take func(hit) bool) error {
	w := a.walk(q, to, most)
	for {
		d, ok, err := w.next()
		if err != nil || !ok || !take(d) {
			return err
		}
	}
}

// walker reads matches page by page.
type walker struct {
	a       *asking
	query   query.Query
	options query.Options
	page    []query.Hit
	left    int
	done    bool
	partial string
}

func (a *asking) walk(q query.Query, to time.Time, most int) *walker {
	return &walker{a: a, query: q, left: most, options: query.Options{
		From: a.request.From, To: to, Now: a.request.Now, Size: pageSize, Sort: query.Sort{Asc: true}, SkipTotal: true,
	}}
}

// next gives the next match; ok is false after the last.
func (w *walker) next() (d hit, ok bool, err error) {
	for len(w.page) == 0 {
		if w.done {
			return hit{}, false, nil
		}
		if w.left <= 0 {
			return hit{}, false, errTooMany
		}
		page, err := w.a.searcher.Search(w.a.ctx, w.query, w.options)
		if err != nil {
			return hit{}, false, err
		}
		w.page, w.options.After, w.done = page.Docs, page.Next, page.Next == ""
		w.left -= len(page.Docs)
		if page.Partial != "" {
			w.partial = page.Partial
		}
	}
	h := w.page[0]
	w.page = w.page[1:]
	v, err := strictjson.Parse(h.JSON, strictjson.Limits{})
	return hit{h, v}, err == nil, err
}

// hit is a document whose fields can be read.
type hit struct {
	query.Hit
	v strictjson.Value
}

// value finds a dotted field; documents nest it or not.
func (d hit) value(field string) strictjson.Value {
	if v := d.v.Get(field); v.Exists() {
		return v
	}
	return d.v.Get(strings.Split(field, ".")...)
}

// text is a field as text, the first value of several.
func (d hit) text(field string) string {
	v := d.value(field)
	for e := range v.Elements() {
		v = e
		break
	}
	switch v.Kind() {
	case strictjson.String:
		return v.Text()
	case strictjson.Missing, strictjson.Null:
		return ""
	}
	return string(v.Raw())
}

// before orders documents as they happened.
func (d hit) before(o hit) bool {
	if !d.Time.Equal(o.Time) {
		return d.Time.Before(o.Time)
	}
	x, _ := d.value("event.sequence").Int()
	y, _ := o.value("event.sequence").Int()
	if x != y {
		return x < y
	}
	return d.ID < o.ID
}
