package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

const (
	// searchTime is how long the cluster may look; what it has by then is
	// answered, and said to be partial.
	searchTime = 10 * time.Second
	// maxWindow is how many hits the cluster gives at once.
	maxWindow = 10_000
	// maxPageBytes bounds the documents of one page; a page over it is cut and
	// continued by its cursor.
	maxPageBytes = 64 << 20
	// maxRequestHits bounds the hits of one answer in memory.
	maxRequestHits = 2_000
)

// Search implements query.Searcher.
func (x *index) Search(ctx context.Context, q query.Query, o query.Options) (query.Page, error) {
	if o.Now.IsZero() {
		o.Now = x.now()
	}
	o, err := o.Normalize()
	if err != nil {
		return query.Page{}, err
	}
	s := &search{x: x, o: o, page: query.Page{Total: -1}}
	condition, err := x.condition(ctx, o.Now, o.From, o.To, q)
	if err != nil {
		return query.Page{}, err
	}
	s.condition = condition
	if !o.SkipTotal {
		var answer struct {
			Hits struct {
				Total struct {
					Value int `json:"value"`
				} `json:"total"`
			} `json:"hits"`
		}
		if s.page.Partial, err = x.ask(ctx, object{"size": 0, "query": condition, "track_total_hits": true}, &answer); err != nil {
			return query.Page{}, err
		}
		s.page.Total = answer.Hits.Total.Value
	}
	if err := s.fill(ctx); err != nil {
		return query.Page{}, err
	}
	return s.page, nil
}

// condition is what a query and a window ask for together.
func (x *index) condition(ctx context.Context, now, from, to time.Time, q query.Query, more ...query.Query) (object, error) {
	t, within, err := x.translator(ctx, now, from, to, append(more, q)...)
	if err != nil {
		return nil, err
	}
	if _, all := q.Root().(query.All); all {
		return within, nil
	}
	return object{"bool": object{"filter": []object{within, t.node(q.Root())}}}, nil
}

// translator makes what translates the queries, and the window as a condition.
func (x *index) translator(ctx context.Context, now, from, to time.Time, queries ...query.Query) (translator, object, error) {
	within, bounded := window(from, to)
	if !bounded {
		within = everything
	}
	t := translator{now: now}
	return t, within, x.resolve(ctx, &t, within, queries...)
}

// ask sends a search. It says why the answer may be incomplete.
func (x *index) ask(ctx context.Context, body object, out any) (partial string, err error) {
	body["timeout"] = fmt.Sprintf("%dms", searchTime.Milliseconds())
	var raw json.RawMessage
	err = x.client.call(ctx, http.MethodPost, "/"+x.pattern()+"/_search", url.Values{"ignore_unavailable": {"true"}, "allow_no_indices": {"true"}}, body, &raw)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", searchError(err)
	}
	var state struct {
		TimedOut bool `json:"timed_out"`
		Shards   struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
	}
	if err := json.Unmarshal(raw, &state); err != nil {
		return "", fmt.Errorf("elasticsearch: search: %w", err)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return "", fmt.Errorf("elasticsearch: search: %w", err)
	}
	switch {
	case state.TimedOut:
		return fmt.Sprintf("stopped after %v", searchTime), nil
	case state.Shards.Failed > 0:
		return fmt.Sprintf("%d parts of the index did not answer", state.Shards.Failed), nil
	}
	return "", nil
}

// searchError tells what the asker can help from what nobody can.
func searchError(err error) error {
	if e, ok := err.(*apiError); ok {
		switch {
		case strings.HasPrefix(e.Type, "too_many_") && strings.Contains(e.Type, "clauses"):
			return &query.Error{Offset: -1, Problem: "the query asks for more than the cluster takes at once", Hint: "use fewer words without a field"}
		case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
			return fmt.Errorf("elasticsearch: search: %w: check the credentials, and that they may read logs-ssf.*", e)
		}
	}
	return fmt.Errorf("elasticsearch: search: %w", err)
}

// search fills one page.
type search struct {
	x         *index
	o         query.Options
	condition object
	page      query.Page
	bytes     int
}

// found is a hit with its place in the order.
type found struct {
	query.Hit
	at query.Cursor
}

// fill reads hits in the order of the page until it is full. Documents with the
// field come before those without. The cluster cannot sort by document id, so
// hits that only differ in that are read together and sorted here: each request
// begins with those of the place where the last one ended.
func (s *search) fill(ctx context.Context) error {
	var after query.Cursor
	begun := s.o.After != ""
	if begun {
		after, _ = query.ParseCursor(s.o.After, s.o.Sort) // Normalize has checked it
	}
	with, without := true, !s.o.Sort.ByTime()
	if begun && !s.o.Sort.ByTime() && !after.Key.Exists() {
		with = false
	}
	for _, keyed := range []bool{true, false} {
		if keyed && !with || !keyed && !without {
			continue
		}
		var start *query.Cursor
		if begun && (s.o.Sort.ByTime() || after.Key.Exists() == keyed) {
			start = &after
		}
		full, err := s.walk(ctx, keyed, start)
		if err != nil || full {
			return err
		}
	}
	return nil
}

// walk reads the hits with or without the field sorted by, and reports whether
// the page is full.
func (s *search) walk(ctx context.Context, keyed bool, start *query.Cursor) (full bool, err error) {
	size := min(s.o.Size-len(s.page.Docs)+2, maxRequestHits)
	var last *query.Cursor // what was taken up to
	if start != nil {
		last = start
	}
	for {
		hits, more, err := s.read(ctx, keyed, last, size)
		if err != nil {
			return false, err
		}
		progress := false
		for _, h := range hits {
			if last != nil && s.o.Sort.Compare(h.at, *last) <= 0 {
				continue
			}
			if len(s.page.Docs) == s.o.Size || s.bytes+len(h.JSON) > maxPageBytes && len(s.page.Docs) > 0 {
				s.page.Next = last.Text(s.o.Sort)
				return true, nil
			}
			s.page.Docs = append(s.page.Docs, h.Hit)
			s.bytes += len(h.JSON)
			last, progress = &h.at, true
		}
		if !more {
			if len(s.page.Docs) == s.o.Size && keyed && !s.o.Sort.ByTime() && last != nil {
				return s.rest(ctx, *last)
			}
			return false, nil
		}
		if !progress { // more of one place than asked for
			if size >= maxWindow {
				return false, fmt.Errorf("elasticsearch: search: more than %d documents of one moment and sequence", maxWindow)
			}
			size = min(size*4, maxWindow)
		}
	}
}

// rest ends a page that is full with the last document that has the field: if
// there are others without, the next page has them.
func (s *search) rest(ctx context.Context, last query.Cursor) (full bool, err error) {
	hits, more, err := s.read(ctx, false, nil, 2)
	if err != nil {
		return false, err
	}
	if len(hits) > 0 || more {
		s.page.Next = last.Text(s.o.Sort)
	}
	return true, nil
}

// added is what documents have on a cluster only: they come back as they were given.
var added = func() (fields []string) {
	for _, f := range document.ClusterFields() {
		fields = append(fields, f.Name)
	}
	return append(fields, "data_stream")
}()

// read asks for hits from a place on, those of the same moment and sequence
// included, and sorts them. If there are more the last ones of one place are
// left out, for there may be others of it.
func (s *search) read(ctx context.Context, keyed bool, from *query.Cursor, size int) (list []found, more bool, err error) {
	o := s.o
	direction, step := "desc", int64(1)
	if o.Sort.Asc {
		direction, step = "asc", -1
	}
	byKey := keyed && !o.Sort.ByTime()
	conditions := []object{s.condition}
	sort := []object{
		{"@timestamp": object{"order": direction, "format": "epoch_millis", "numeric_type": "date"}},
		{"event.sequence": object{"order": direction, "missing": 0, "unmapped_type": "long"}},
	}
	if !o.Sort.ByTime() {
		exists := object{"exists": object{"field": o.Sort.Field}}
		if byKey {
			conditions = append(conditions, exists)
			mode := "max"
			if o.Sort.Asc {
				mode = "min"
			}
			f, _ := document.Lookup(o.Sort.Field)
			sort = append([]object{{o.Sort.Field: object{"order": direction, "mode": mode, "unmapped_type": string(f.Type)}}}, sort...)
		} else {
			conditions = append(conditions, object{"bool": object{"must_not": exists}})
		}
	}
	body := object{"size": size, "query": object{"bool": object{"filter": conditions}}, "track_total_hits": false, "sort": sort, "_source": object{"excludes": added}}
	if from != nil {
		after := []any{from.Time, from.Sequence + step}
		if byKey {
			after = append([]any{sortValue(o.Sort.Field, from.Key)}, after...)
		}
		body["search_after"] = after
	}
	var answer struct {
		Hits struct {
			Hits []struct {
				Index  string            `json:"_index"`
				ID     string            `json:"_id"`
				Source json.RawMessage   `json:"_source"`
				Sort   []json.RawMessage `json:"sort"`
			} `json:"hits"`
		} `json:"hits"`
	}
	partial, err := s.x.ask(ctx, body, &answer)
	if err != nil {
		return nil, false, err
	}
	if s.page.Partial == "" {
		s.page.Partial = partial
	}
	for _, h := range answer.Hits.Hits {
		at := query.Cursor{ID: h.ID}
		values := h.Sort
		if byKey && len(values) > 0 {
			if at.Key, err = keyOf(o.Sort.Field, values[0]); err != nil {
				return nil, false, err
			}
			values = values[1:]
		}
		if len(values) != 2 || number(values[0], &at.Time) != nil || number(values[1], &at.Sequence) != nil {
			return nil, false, fmt.Errorf("elasticsearch: search: %w", errAnswer)
		}
		list = append(list, found{query.Hit{ID: h.ID, Stream: streamOf(h.Index), Time: time.UnixMilli(at.Time).UTC(), JSON: h.Source}, at})
	}
	slices.SortStableFunc(list, func(a, b found) int { return o.Sort.Compare(a.at, b.at) })
	if more = len(list) == size; more {
		end := list[len(list)-1].at
		for len(list) > 0 && samePlace(list[len(list)-1].at, end) {
			list = list[:len(list)-1]
		}
	}
	return list, more, nil
}

// samePlace reports whether two places differ at most in the document.
func samePlace(a, b query.Cursor) bool {
	return a.Key == b.Key && a.Time == b.Time && a.Sequence == b.Sequence
}

// number reads a sort value, which the cluster writes as a number or a string.
func number(raw json.RawMessage, n *int64) error {
	return json.Unmarshal([]byte(strings.Trim(string(raw), `"`)), n)
}
