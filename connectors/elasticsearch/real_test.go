package elasticsearch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// real is a node of Elasticsearch, started by .ci/elasticsearch/node.
type real struct {
	config Config
	port   string
}

// newReal finds the node that SIGNALBOX_ELASTICSEARCH names and sets it up.
func newReal(t testing.TB) *real {
	t.Helper()
	text := os.Getenv("SIGNALBOX_ELASTICSEARCH")
	if text == "" {
		t.Skip("needs a real node: run .ci/elasticsearch/node start, then go test with SIGNALBOX_ELASTICSEARCH set to what it prints")
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	r := &real{config: Config{Username: u.User.Username(), Password: pipeline.Secret(password)}, port: u.Port()}
	u.User = nil
	r.config.Addresses = []string{u.String()}
	setup(t, r.config)
	return r
}

func setup(t testing.TB, c Config) []kind.Part {
	t.Helper()
	i, err := c.Installation(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := i.Install(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

var namespaces atomic.Int64

// fresh is a namespace that no test has used.
func freshNamespace() string {
	return fmt.Sprintf("t%d_%d", time.Now().UnixNano(), namespaces.Add(1))
}

// open makes an index of its own, in which what was written is found at once.
func (r *real) open(t testing.TB, change ...func(*Config)) *index {
	t.Helper()
	c := r.config
	c.Namespace = freshNamespace()
	for _, f := range change {
		f(&c)
	}
	if problems := c.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	x, err := c.open(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	x.refresh = "true"
	return x
}

func TestRealSearcher(t *testing.T) {
	r := newReal(t)
	pipelinetest.TestSearcher(t, func(t *testing.T) (pipeline.Sink, query.Searcher) {
		x := r.open(t)
		return x, x
	})
}

func TestRealQuestions(t *testing.T) {
	r := newReal(t)
	pipelinetest.TestQuestions(t, func(t *testing.T) (pipeline.Sink, query.Searcher) {
		x := r.open(t)
		return x, x
	})
}

// TestRealSetup sets a cluster up again and finds nothing to do.
func TestRealSetup(t *testing.T) {
	r := newReal(t)
	for _, p := range setup(t, r.config) {
		if p.State != kind.Same && p.State != kind.Lacking {
			t.Errorf("%s is %s the second time: %s", p.Name, p.State, strings.Join(p.Changes, "; "))
		}
	}
}

// TestRealStrict writes a document of every kind to data streams that refuse what
// the templates do not have, where ours would leave it unindexed.
func TestRealStrict(t *testing.T) {
	r := newReal(t)
	x := r.open(t)
	for _, tpl := range document.Templates(document.TemplateOptions{Lacks: document.Substituted()}) {
		if !tpl.Index {
			continue
		}
		var body map[string]any
		if err := json.Unmarshal(tpl.JSON, &body); err != nil {
			t.Fatal(err)
		}
		body["index_patterns"], body["priority"] = []string{tpl.Name + "-" + x.namespace}, 9999
		body["template"] = object{"mappings": object{"dynamic": "strict"}}
		name := "/_index_template/" + tpl.Name + "-" + x.namespace
		if err := x.client.call(t.Context(), http.MethodPut, name, nil, body, nil); err != nil {
			t.Fatal(err)
		}
	}
	docs := pipelinetest.EveryDocument(t)
	for i, res := range offer(t, x, docs) {
		if res.Err != nil {
			t.Errorf("%s is refused: %v in %s", docs[i].Kind, res.Err, docs[i].Payload)
		}
	}
	holds(t, x, len(docs))

	docs = documents(1)
	docs[0].Payload = []byte(`{"@timestamp":"2026-02-03T10:00:00Z","event":{"created":"2026-02-03T10:00:00Z"},"undeclared":1}`)
	if res := offer(t, x, docs); res[0].Err == nil {
		t.Error("an undeclared field is taken: this test shows nothing")
	}
}
