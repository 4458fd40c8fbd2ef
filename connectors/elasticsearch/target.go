package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// skew is how far the clocks of the product and of the cluster may differ.
const skew = 10 * time.Minute

// target is what is known of the data stream that documents of one kind go to.
type target struct {
	name    string
	known   bool      // the rest was asked for
	backing []backing // the oldest first; the last is written to
}

// backing is an index behind a data stream.
type backing struct {
	name    string
	created time.Time
}

// learn asks for the indices behind a data stream, and makes sure that they are
// of the product's templates. One that does not exist has none.
func (x *index) learn(ctx context.Context, t *target) error {
	list, err := x.indices(ctx, t.name)
	if err == nil && len(list) == 0 {
		if list, err = x.prepare(ctx, t.name); err != nil {
			return err
		}
	}
	if err == nil && len(list) > 0 {
		err = x.ours(ctx, t.name)
	}
	if err != nil {
		return err
	}
	t.backing, t.known = list, true
	return nil
}

// indices asks for the indices behind a data stream, none if it does not exist.
func (x *index) indices(ctx context.Context, stream string) ([]backing, error) {
	var answer map[string]struct {
		Settings struct {
			Index struct {
				Created string `json:"creation_date"`
			} `json:"index"`
		} `json:"settings"`
	}
	err := x.client.call(ctx, http.MethodGet, "/"+stream+"/_settings/index.creation_date", nil, nil, &answer)
	if err != nil && !is(err, http.StatusNotFound) {
		return nil, fmt.Errorf("ask for the indices of %s: %w", stream, err)
	}
	var list []backing
	for name, i := range answer {
		ms, err := strconv.ParseInt(i.Settings.Index.Created, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("ask for the indices of %s: %s has no creation_date", stream, name)
		}
		list = append(list, backing{name, time.UnixMilli(ms)})
	}
	slices.SortFunc(list, func(a, b backing) int {
		if c := a.created.Compare(b.created); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	return list, nil
}

// prepare makes sure that a data stream that does not exist will be made of the
// product's templates: without them the cluster's own for logs-*-* would take the
// first documents. Credentials that may not ask for templates let the cluster make
// the stream, by a request that no data stream takes, and its indices are given.
func (x *index) prepare(ctx context.Context, name string) ([]backing, error) {
	var answer struct {
		Template struct {
			Mappings mappings `json:"mappings"`
		} `json:"template"`
	}
	err := x.client.call(ctx, http.MethodPost, "/_index_template/_simulate_index/"+name, nil, nil, &answer)
	switch refusal, refused := errors.AsType[*apiError](err); {
	case refused && refusal.Status < 500 && refusal.Status != http.StatusTooManyRequests && refusal.Status != http.StatusUnauthorized:
	case err != nil:
		return nil, fmt.Errorf("ask for the template of %s: %w", name, err)
	case answer.Template.Mappings.Meta.By != managedBy:
		return nil, noTemplate(name)
	default:
		return nil, nil
	}
	probe := []byte(`{"index":{"_index":` + strconv.Quote(name) + "}}\n{}\n")
	a, err := x.client.do(ctx, http.MethodPost, "/_bulk", x.bulkQuery(), "application/x-ndjson", probe)
	switch {
	case err != nil:
		return nil, fmt.Errorf("let the cluster make %s: %w", name, err)
	case a.status != http.StatusOK:
		return nil, fmt.Errorf("let the cluster make %s: %w", name, x.client.problem(a))
	}
	list, err := x.indices(ctx, name)
	if err == nil && len(list) == 0 {
		err = noTemplate(name)
	}
	return list, err
}

// noTemplate holds what there is no template of the product for.
func noTemplate(name string) error {
	return fmt.Errorf("%w: there is no template of the product for %s: run signalbox index setup", errHold, name)
}

// mappings are who made those of an index.
type mappings struct {
	Meta struct {
		By string `json:"managed_by"`
	} `json:"_meta"`
}

// ours makes sure that a data stream was made of the product's templates: with
// others fields would be mapped as their first value looks.
func (x *index) ours(ctx context.Context, name string) error {
	var answer map[string]struct {
		Mappings mappings `json:"mappings"`
	}
	if err := x.client.call(ctx, http.MethodGet, "/"+name+"/_mapping", url.Values{"filter_path": {"*.mappings._meta"}}, nil, &answer); err != nil {
		return fmt.Errorf("ask for the mapping of %s: %w", name, err)
	}
	newest := ""
	for index := range answer {
		newest = max(newest, index)
	}
	if answer[newest].Mappings.Meta.By != managedBy {
		return fmt.Errorf("%w: %s was not made of the product's templates: run signalbox index setup, then roll the data stream over", errHold, name)
	}
	return nil
}

// managedBy is what _meta says of everything that setup installs.
const managedBy = "signalbox"

// errHold is the cause of documents that are held: nothing is wrong with them.
var errHold = errors.New("writing is held")

// late is the age from which a document is looked up in the index that is written
// to as well: it is given again, or a rollover may come before it arrives.
const late = time.Hour

// where lists the indices in which a document may be already, when it was made
// at that time: those before the one that is written to that were still written
// to then, and if nobody knows what became of it the last two.
func (t *target) where(it *item, now time.Time) (names []string) {
	last := len(t.backing) - 1
	for i, b := range t.backing {
		switch {
		case i < last && t.backing[i+1].created.Add(skew).After(it.made),
			i == last && now.Sub(it.made) > late && b.created.Before(now),
			i >= last-1 && it.state == unsure:
			names = append(names, b.name)
		}
	}
	return names
}

// current is the index that is written to, "" if there is none yet.
func (t *target) current() string {
	if len(t.backing) == 0 {
		return ""
	}
	return t.backing[len(t.backing)-1].name
}
