package elasticsearch

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// index is an open index. It is safe for concurrent use.
type index struct {
	client    *client
	namespace string
	belongs   []byte // end of every document
	log       *slog.Logger
	now       func() time.Time
	refresh   string // parameter of _bulk; "" leaves it to the index

	writing sync.Mutex      // held by Deliver
	pace    pace            // guarded by writing, as the next
	left    map[string]mark // by document id: what is known of the last batch if it was not taken whole

	knowing sync.Mutex // guards what targets hold, not the map
	targets map[string]*target
}

var (
	_ pipeline.Sink    = (*index)(nil)
	_ query.Searcher   = (*index)(nil)
	_ query.Aggregator = (*index)(nil)
)

func newIndex(c *client, namespace string, inFlight, maxBytes int, env kind.Env) *index {
	x := &index{client: c, namespace: namespace, log: env.Logger(), now: env.Clock(), pace: newPace(inFlight, maxBytes), targets: map[string]*target{}}
	x.belongs = []byte(`,"data_stream":{"type":"logs","namespace":"` + namespace + "\"}}\n")
	for _, s := range streams.Names() {
		x.targets[s] = &target{name: x.streamName(s)}
	}
	return x
}

// streams are those an index has.
const streams = document.Set | document.Alert | document.Decision | document.Action | document.Audit | document.Error

func (x *index) streamName(stream string) string { return "logs-" + stream + "-" + x.namespace }

// pattern is the name that all data streams of the index share.
func (x *index) pattern() string { return "logs-ssf.*-" + x.namespace }

// streamOf is the stream of a backing index, such as ssf.set of
// .ds-logs-ssf.set-default-2026.02.03-000001.
func streamOf(backing string) string {
	_, rest, ok := strings.Cut(backing, "logs-")
	if !ok {
		return ""
	}
	stream, _, _ := strings.Cut(rest, "-")
	return stream
}
