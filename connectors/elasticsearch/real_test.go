package elasticsearch

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
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
