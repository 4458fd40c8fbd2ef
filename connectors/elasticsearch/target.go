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

// learn asks for the indices behind a data stream. One that does not exist has
// none.
func (x *index) learn(ctx context.Context, t *target) error {
	var answer map[string]struct {
		Settings struct {
			Index struct {
				Created string `json:"creation_date"`
			} `json:"index"`
		} `json:"settings"`
	}
	err := x.client.call(ctx, http.MethodGet, "/"+t.name+"/_settings/index.creation_date", nil, nil, &answer)
	if err != nil && !is(err, http.StatusNotFound) {
		return fmt.Errorf("ask for the indices of %s: %w", t.name, err)
	}
	var list []backing
	for name, i := range answer {
		ms, err := strconv.ParseInt(i.Settings.Index.Created, 10, 64)
		if err != nil {
			return fmt.Errorf("ask for the indices of %s: %s has no creation_date", t.name, name)
		}
		list = append(list, backing{name, time.UnixMilli(ms)})
	}
	slices.SortFunc(list, func(a, b backing) int {
		if c := a.created.Compare(b.created); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	if len(list) > 0 {
		if err := x.ours(ctx, t.name); err != nil {
			return err
		}
	}
	t.backing, t.known = list, true
	return nil
}

// ours makes sure that a data stream was made of the product's templates: with
// others fields would be mapped as their first value looks.
func (x *index) ours(ctx context.Context, name string) error {
	var answer map[string]struct {
		Mappings struct {
			Meta struct {
				By string `json:"managed_by"`
			} `json:"_meta"`
		} `json:"mappings"`
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
