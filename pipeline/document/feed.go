package document

import (
	"math"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// feed writes how a feed stood when that changed.
func (r *renderer) feed(e *pipeline.EventPart) {
	if e.Type != "feed-health" {
		return
	}
	body, err := strictjson.Parse(e.Body, strictjson.Limits{Depth: flattenedDepth})
	if err != nil {
		return
	}
	w := &r.w
	m := w.open("feed")
	w.text("source", clip(body.Get("source").Text()))
	w.text("status", word(body, "status"))
	for _, name := range []string{"last_seen", "last_verified", "keys_fetched"} {
		if at, ok := body.Get(name).Float(); ok && at > 0 && at < 1<<40 {
			w.time(name, time.Unix(int64(at), 0))
		}
	}
	if n, ok := body.Get("waiting").Int(); ok {
		w.int("waiting", n)
	}
	if offset, ok := body.Get("clock_offset").Float(); ok && !math.IsInf(offset, 0) && !math.IsNaN(offset) {
		w.json("clock_offset", string(body.Get("clock_offset").Raw()))
	}
	w.close(m)
}
