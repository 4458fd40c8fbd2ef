package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestRealIndexKill kills the real binary while a bulk request of its is under
// way to a real node: before the node has it, while it writes, and after it has
// answered but before the product knows. Between two of its lives the data
// streams roll over, which takes the node's own guard against a second create
// away. At the end the node holds every document of every token that was answered
// 202, and each once.
func TestRealIndexKill(t *testing.T) {
	text := os.Getenv("SIGNALBOX_ELASTICSEARCH")
	if text == "" {
		t.Skip("needs a real node: run .ci/elasticsearch/node start, then go test with SIGNALBOX_ELASTICSEARCH set to what it prints")
	}
	n := newIndexNode(t, text)
	k := newKillRun(t, fmt.Sprintf(`index "elasticsearch" "soc" {
  addresses = [%q]
  username  = %q
  password  = env("KILL_NODE_PASSWORD")
  namespace = %q
}`, n.front.URL, n.user, n.namespace))
	k.env, k.every = append(k.env, "KILL_NODE_PASSWORD="+n.password), 40*time.Millisecond
	k.command("index", "setup")

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	load := k.generate(ctx)
	for i := range *kills {
		k.start()
		k.awaitReady()
		process, moment := k.cmd.Process, moments[i%len(moments)]
		n.arm(moment, func() { _ = process.Kill() })
		select {
		case err := <-k.exited:
			k.exited <- err
		case <-time.After(pipelinetest.Patience):
			t.Fatalf("no bulk request\n%s", k.log())
		}
		if n.armed() {
			t.Fatalf("the product ended by itself\n%s", k.log())
		}
		t.Logf("kill %2d %-14s accepted %6d, delivered %6d, documents taken by the node %6d", i+1, moment, k.accepted.Load(), k.received.Load(), n.count())
		n.roll()
	}
	k.start()
	k.awaitReady()
	cancel()
	load.Wait()
	k.awaitDrained()
	n.compare(k)
	k.stopGracefully()
}

// The moments of a bulk request at which the product is killed.
const (
	unseen   = "before" // the node has not seen it
	writing  = "during"
	answered = "after" // the node has taken it, the product does not know
)

var moments = []string{unseen, writing, answered}

// indexNode is the node and what stands before it.
type indexNode struct {
	t                                   *testing.T
	url, user, password, namespace, all string
	front                               *httptest.Server

	mu     sync.Mutex
	moment string // "" when nobody is to be killed
	strike func()
}

func newIndexNode(t *testing.T, text string) *indexNode {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	n := &indexNode{t: t, user: u.User.Username(), namespace: fmt.Sprintf("kill%d", time.Now().UnixNano())}
	n.password, _ = u.User.Password()
	u.User = nil
	n.url, n.all = strings.TrimSuffix(u.String(), "/"), "/logs-ssf.*-"+n.namespace
	n.front = httptest.NewServer(n)
	t.Cleanup(n.front.Close)
	return n
}

// arm lets the next bulk request be the last of this life.
func (n *indexNode) arm(moment string, strike func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.moment, n.strike = moment, strike
}

func (n *indexNode) armed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.moment != ""
}

// ServeHTTP hands requests on to the node.
func (n *indexNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	moment, strike := "", func() {}
	if r.URL.Path == "/_bulk" {
		n.mu.Lock()
		moment, n.moment = n.moment, ""
		strike = n.strike
		n.mu.Unlock()
	}
	switch moment {
	case unseen:
		strike()
		return
	case writing:
		time.AfterFunc(rand.N(8*time.Millisecond), strike)
	}
	// The node goes on when the product is gone.
	req, err := http.NewRequest(r.Method, n.url+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		n.t.Error(err)
		return
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Error(err)
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Error(err)
		return
	}
	if moment == answered {
		strike()
	}
	if moment != "" {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
	w.Header().Set("X-Elastic-Product", resp.Header.Get("X-Elastic-Product"))
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer)
}

// ask sends a request of the test itself.
func (n *indexNode) ask(method, path string, in, out any) {
	n.t.Helper()
	var body []byte
	var err error
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			n.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, n.url+path, bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	req.SetBasicAuth(n.user, n.password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		n.t.Fatalf("%s %s: %s %v\n%s", method, path, resp.Status, err, answer)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		n.t.Fatalf("%s %s: %v", method, path, err)
	}
}

func (n *indexNode) count() (documents int) {
	n.t.Helper()
	n.ask(http.MethodPost, n.all+"/_refresh", nil, &struct{}{})
	var answer struct{ Count int }
	n.ask(http.MethodPost, n.all+"/_count", map[string]any{}, &answer)
	return answer.Count
}

// roll rolls every data stream over.
func (n *indexNode) roll() {
	n.t.Helper()
	var backing map[string]any
	n.ask(http.MethodGet, n.all+"/_settings/index.creation_date", nil, &backing)
	streams := map[string]bool{}
	for name := range backing {
		before, _, _ := strings.Cut(strings.TrimPrefix(name, ".ds-"), n.namespace)
		streams[before+n.namespace] = true
	}
	for name := range streams {
		n.ask(http.MethodPost, "/"+name+"/_rollover", nil, &struct{}{})
	}
}

// indexed is what is looked at of a document.
type indexed struct {
	ID     string `json:"_id"`
	Source struct {
		Event  struct{ Dataset string }
		Set    struct{ JTI, Txn string }
		Chain  struct{ Root string }
		Action struct{ Status string }
	} `json:"_source"`
}

// documents gives every document there is, in no order.
func (n *indexNode) documents() (list []indexed) {
	n.t.Helper()
	n.count()
	var page struct {
		Scroll string `json:"_scroll_id"`
		Hits   struct{ Hits []indexed }
	}
	fields := []string{"event.dataset", "set.jti", "set.txn", "chain.root", "action.status"}
	n.ask(http.MethodPost, n.all+"/_search?scroll=1m", map[string]any{"size": 5000, "sort": []string{"_doc"}, "_source": fields}, &page)
	for len(page.Hits.Hits) > 0 {
		list = append(list, page.Hits.Hits...)
		id := page.Scroll
		page.Hits.Hits = nil
		n.ask(http.MethodPost, "/_search/scroll", map[string]any{"scroll": "1m", "scroll_id": id}, &page)
	}
	return list
}

// compare holds the ledger of tokens that were answered 202 against the node.
func (n *indexNode) compare(k *killRun) {
	n.t.Helper()
	ids, there := map[string]int{}, map[string]int{}
	list := n.documents()
	for _, d := range list {
		ids[d.ID]++
		s := d.Source
		switch s.Event.Dataset {
		case "ssf.set":
			there["token "+s.Set.JTI]++
		case "ssf.decision":
			there["decision "+s.Chain.Root]++
		case "ssf.action":
			if s.Action.Status == "queued" || s.Action.Status == "acked" {
				there[s.Action.Status+" "+s.Set.Txn]++
			}
		}
	}
	bad := 0
	complain := func(format string, args ...any) {
		if bad++; bad <= 20 {
			n.t.Errorf(format, args...)
		}
	}
	for id, times := range ids {
		if times != 1 {
			complain("document %s is there %d times", id, times)
		}
	}
	sent := k.sent.read(n.t)
	for _, row := range sent {
		jti, txn := row[0], row[1]
		for _, want := range []string{"token " + jti, "decision " + pipeline.SETInputID(killIssuer, jti), "queued " + txn, "acked " + txn} {
			if there[want] != 1 {
				complain("%s was answered 202, and %q is there %d times", jti, want, there[want])
			}
		}
	}
	n.t.Logf("%d tokens answered 202, %d documents, %d lost or twice", len(sent), len(list), bad)
	if len(sent) == 0 {
		n.t.Error("nothing was sent")
	}
}
