package elasticsearch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// lookUp finds out which documents are in the index already, of those that may
// be, and marks them as taken. After an error none was marked.
func (x *index) lookUp(ctx context.Context, items []*item) error {
	type place struct {
		Index  string `json:"_index"`
		ID     string `json:"_id"`
		Source bool   `json:"_source"`
	}
	var places []place
	var asked []*item
	relearned, now := map[string]bool{}, x.now()
	for _, it := range items {
		names, err := x.where(ctx, it, now, relearned)
		if err != nil {
			return err
		}
		for _, name := range names {
			places, asked = append(places, place{Index: name, ID: it.id}), append(asked, it)
		}
	}
	if len(places) == 0 {
		return nil
	}
	var answer struct {
		Docs []struct {
			ID    string  `json:"_id"`
			Found bool    `json:"found"`
			Error *detail `json:"error"`
		} `json:"docs"`
	}
	err := x.client.call(ctx, http.MethodPost, "/_mget", url.Values{"filter_path": {"docs._id,docs.found,docs.error"}}, map[string]any{"docs": places}, &answer)
	if err != nil {
		return fmt.Errorf("look up %d documents: %w", len(items), err)
	}
	if len(answer.Docs) != len(places) {
		return fmt.Errorf("look up documents: %w", errAnswer)
	}
	for i, d := range answer.Docs {
		switch {
		case d.Error != nil && d.Error.Type != "index_not_found_exception": // one that is gone holds nothing
			return fmt.Errorf("look up a document in %s: %s", places[i].Index, x.client.clean(d.Error.Type+": "+d.Error.Reason, 300))
		case d.ID != places[i].ID:
			return fmt.Errorf("look up documents: %w", errAnswer)
		}
	}
	for i, d := range answer.Docs {
		if d.Found {
			asked[i].state, asked[i].info = taken, "already there"
		}
	}
	return nil
}

// where lists the indices to look a document up in. The indices are asked for
// when they are not known, and anew when one of its stream is unsure: a rollover
// may have come since.
func (x *index) where(ctx context.Context, it *item, now time.Time, relearned map[string]bool) ([]string, error) {
	x.knowing.Lock()
	defer x.knowing.Unlock()
	t := x.targets[it.stream]
	if !t.known || it.state == unsure && !relearned[it.stream] {
		if err := x.learn(ctx, t); err != nil {
			return nil, err
		}
		relearned[it.stream] = true
	}
	return t.where(it, now), nil
}

// noticed compares the index a document was written to with the one known.
func (x *index) noticed(stream, index string) {
	x.knowing.Lock()
	defer x.knowing.Unlock()
	if t := x.targets[stream]; index != "" && index != t.current() {
		t.known = false
	}
}
