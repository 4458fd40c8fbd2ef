package elasticsearch

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

var (
	realDocuments = flag.Int("documents", 500_000, "documents of TestRealLoad")
	realKills     = flag.Int("kills", 3, "how often TestRealServerKill and TestRealProductKill kill")
)

// batch is how many documents are delivered at once.
const batch = 1500

// node runs a verb of the script that the node was started by.
func (r *real) node(t *testing.T, verb string, more ...string) {
	t.Helper()
	if err := r.run(verb, more...); err != nil {
		t.Fatal(err)
	}
}

func (r *real) run(verb string, more ...string) error {
	script, err := filepath.Abs("../../.ci/elasticsearch/node")
	if err != nil {
		return err
	}
	if out, err := exec.Command(script, append([]string{verb, r.port}, more...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", verb, err, out)
	}
	return nil
}

// part is some documents of many.
func part(first, n int, at time.Time) []pipeline.Delivery {
	docs := make([]pipeline.Delivery, n)
	for i := range docs {
		docs[i] = one(first+i, at.UTC())
	}
	return docs
}

// persist delivers a batch until it is taken, however long that takes.
func persist(t testing.TB, x *index, docs []pipeline.Delivery) {
	t.Helper()
	for start := time.Now(); time.Since(start) < 5*time.Minute; time.Sleep(200 * time.Millisecond) {
		results, err := x.Deliver(t.Context(), docs)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			var final *pipeline.FinalError
			if errors.As(r.Err, &final) {
				t.Fatal(final)
			}
		}
		if left(results) == nil {
			return
		}
	}
	t.Fatal("the documents are never taken")
}

// holds checks that an index holds each of n documents once.
func holds(t *testing.T, x *index, n int) {
	t.Helper()
	if _, err := x.client.do(t.Context(), http.MethodPost, "/"+x.pattern()+"/_refresh", nil, "", nil); err != nil {
		t.Fatal(err)
	}
	b, err := x.Aggregate(t.Context(), query.Query{}, query.Aggregation{Metrics: []query.Metric{{Func: "distinct", Field: "event.sequence"}}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := x.Search(t.Context(), query.Query{}, query.Options{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	if p.Total != n || b.Total != n {
		t.Errorf("%d documents are there, want %d", p.Total, n)
	}
	if off := int(b.Groups[0].Values[0].Value) - n; off > n/50 || off < -n/50 {
		t.Errorf("%v of them are different", b.Groups[0].Values[0].Value)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestRealLoad writes many documents, a third of them twice, and watches memory.
func TestRealLoad(t *testing.T) {
	x := newReal(t).open(t)
	x.refresh = ""
	text := time.Now().UTC()
	var early uint64
	start := time.Now()
	for first := 0; first < *realDocuments; first += batch {
		n := min(batch, *realDocuments-first)
		docs := part(first, n, text)
		persist(t, x, docs)
		if first/batch%3 == 0 {
			persist(t, x, docs)
		}
		if early == 0 && first >= *realDocuments/5 {
			early = heap()
		}
	}
	end := heap()
	t.Logf("%.0f documents/s, heap %d KiB after a fifth, %d KiB at the end", float64(*realDocuments)/time.Since(start).Seconds(), early>>10, end>>10)
	if end > early+16<<20 {
		t.Errorf("memory grows from %d to %d bytes", early, end)
	}
	holds(t, x, *realDocuments)
}

// TestRealServerKill kills the node while documents are written.
func TestRealServerKill(t *testing.T) {
	r := newReal(t)
	x := r.open(t)
	x.refresh = ""
	const parts = 12
	for kill := range *realKills {
		done := make(chan error, 1)
		go func() {
			time.Sleep(time.Duration(100+150*kill) * time.Millisecond)
			done <- errors.Join(r.run("kill"), r.run("start"))
		}()
		for n := range parts {
			persist(t, x, part((kill*parts+n)*batch, batch, time.Now()))
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	setup(t, r.config) // policies are not kept by the node
	holds(t, x, *realKills*parts*batch)
}

// TestRealWriterHelper is the product that TestRealProductKill kills: it writes
// batches and notes after each how far it is.
func TestRealWriterHelper(t *testing.T) {
	cursor := os.Getenv("SIGNALBOX_TEST_CURSOR")
	if cursor == "" {
		t.Skip("run by TestRealProductKill")
	}
	r := newReal(t)
	x := r.open(t, func(c *Config) { c.Namespace = os.Getenv("SIGNALBOX_TEST_NAMESPACE") })
	x.refresh = ""
	for {
		text, _ := os.ReadFile(cursor)
		first, _ := strconv.Atoi(string(text))
		if first >= productDocuments {
			return
		}
		persist(t, x, part(first, batch, time.Now()))
		if err := os.WriteFile(cursor+".new", []byte(strconv.Itoa(first+batch)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(cursor+".new", cursor); err != nil {
			t.Fatal(err)
		}
	}
}

const productDocuments = 30 * batch

// TestRealProductKill kills the writing process, with a rollover before it comes
// back.
func TestRealProductKill(t *testing.T) {
	r := newReal(t)
	x := r.open(t)
	cursor := filepath.Join(t.TempDir(), "cursor")
	for kill := range *realKills + 1 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestRealWriterHelper$")
		cmd.Env = append(os.Environ(), "SIGNALBOX_TEST_CURSOR="+cursor, "SIGNALBOX_TEST_NAMESPACE="+x.namespace)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if kill == *realKills {
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			break
		}
		was, _ := os.ReadFile(cursor)
		for now := was; string(now) == string(was); now, _ = os.ReadFile(cursor) {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Duration(20+37*kill) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		r.roll(t, x)
	}
	holds(t, x, productDocuments)
}

// roll rolls the data stream of tokens over.
func (r *real) roll(t *testing.T, x *index) {
	t.Helper()
	if err := x.client.call(context.Background(), http.MethodPost, "/"+x.streamName("ssf.set")+"/_rollover", nil, nil, nil); err != nil {
		t.Fatal(err)
	}
}

// TestRealStorm runs on a node that is too busy nearly always.
func TestRealStorm(t *testing.T) {
	r := newReal(t)
	r.node(t, "kill")
	r.node(t, "start", "indexing_pressure.memory.limit: 256kb")
	defer func() {
		r.node(t, "kill")
		r.node(t, "start")
		setup(t, r.config)
	}()
	x := r.open(t, func(c *Config) { c.InFlight = 8 })
	x.refresh = ""
	const parts = 8
	for n := range parts {
		persist(t, x, part(n*batch, batch, time.Now()))
	}
	if x.pace.bytes > 320<<10 { // a quarter more is tried after each that was taken
		t.Errorf("%d bytes are sent at once to a node that bears 256 KiB", x.pace.bytes)
	}
	holds(t, x, parts*batch)
}

// TestRealHold: credentials, rights and a read-only index hold everything, and
// nothing is refused.
func TestRealHold(t *testing.T) {
	r := newReal(t)
	wrong := r.open(t, func(c *Config) { c.Password = "wrong" })
	held(t, wrong, "401")

	x := r.open(t)
	poor := r.open(t, func(c *Config) {
		c.Namespace, c.Username, c.Password = x.namespace, "", ""
		c.APIKey = r.key(t, x, object{"index": []object{{"names": []string{"logs-ssf.*"}, "privileges": []string{"read", "view_index_metadata"}}}})
	})
	held(t, poor, "403")
	enough := r.open(t, func(c *Config) {
		c.Namespace, c.Username, c.Password = x.namespace, "", ""
		c.APIKey = r.key(t, x, object{"index": []object{{"names": []string{"logs-ssf.*"}, "privileges": runtimePrivileges}}})
	})
	enough.refresh = ""
	persist(t, enough, documents(10))

	set := "/" + x.streamName("ssf.set") + "/_settings"
	if err := x.client.call(t.Context(), http.MethodPut, set, nil, object{"index.blocks.write": true}, nil); err != nil {
		t.Fatal(err)
	}
	held(t, enough, "403")
	if err := x.client.call(t.Context(), http.MethodPut, set, nil, object{"index.blocks.write": false}, nil); err != nil {
		t.Fatal(err)
	}
	persist(t, enough, documents(20))
	holds(t, x, 20)
}

// held checks that documents are held and none is refused.
func held(t *testing.T, x *index, status string) {
	t.Helper()
	results, err := x.Deliver(t.Context(), documents(20))
	if err != nil {
		t.Fatal(err)
	}
	if err := left(results); !errors.Is(err, errHold) || !strings.Contains(err.Error(), status) {
		t.Errorf("error is %v, want one with %s", err, status)
	}
	for _, res := range results {
		var final *pipeline.FinalError
		if errors.As(res.Err, &final) {
			t.Errorf("a document was refused: %v", final)
		}
	}
}

// key makes an API key with some rights.
func (r *real) key(t *testing.T, x *index, role object) pipeline.Secret {
	t.Helper()
	var answer struct {
		ID  string `json:"id"`
		Key string `json:"api_key"`
	}
	body := object{"name": freshNamespace(), "role_descriptors": object{"role": role}}
	if err := x.client.call(t.Context(), http.MethodPost, "/_security/api_key", nil, body, &answer); err != nil {
		t.Fatal(err)
	}
	return pipeline.Secret(base64.StdEncoding.EncodeToString([]byte(answer.ID + ":" + answer.Key)))
}

// TestRealRights sets up with no more rights than the documentation says, and asks
// for the status with those that running takes.
func TestRealRights(t *testing.T) {
	r := newReal(t)
	x := r.open(t)
	c := r.config
	c.Username, c.Password = "", ""
	c.APIKey = r.key(t, x, object{"cluster": []string{"manage_index_templates", "manage_ilm", "manage_ingest_pipelines", "monitor"}})
	setup(t, c)
	c.APIKey = r.key(t, x, object{"cluster": []string{"monitor"}})
	i, err := c.Installation(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Install(t.Context()); err == nil || !strings.Contains(err.Error(), "manage_index_templates") {
		t.Errorf("without rights: %v", err)
	}
	// Those of the running product are told that they will do.
	c.APIKey = r.key(t, x, object{"indices": []object{{"names": []string{"logs-ssf.*"}, "privileges": runtimePrivileges}}})
	if i, err = c.Installation(kind.Env{}); err != nil {
		t.Fatal(err)
	}
	lines, err := i.Status(t.Context())
	if told := strings.Join(lines, "\n"); err != nil || !strings.Contains(told, "may write and search") || !strings.Contains(told, "may not look at what is set up") {
		t.Errorf("with the rights of the running product: %v\n%s", err, told)
	}
}

// TestRealConflict: what the mapping refuses is in the error stream, the others
// in theirs.
func TestRealConflict(t *testing.T) {
	x := newReal(t).open(t)
	docs := documents(50)
	docs[9].Payload = []byte(`{"@timestamp":"2026-02-03T10:00:00Z","event":{"created":"2026-02-03T10:00:00Z"},"user":"hunter2"}`)
	results := offer(t, x, docs)
	var final *pipeline.FinalError
	if !errors.As(results[9].Err, &final) {
		t.Errorf("result is %v", results[9].Err)
	}
	holds(t, x, 50)
	q, err := query.Parse("event.dataset:ssf.error AND event.action:document-refused")
	if err != nil {
		t.Fatal(err)
	}
	p, err := x.Search(t.Context(), q, query.Options{})
	if err != nil || p.Total != 1 {
		t.Fatalf("%d documents in the error stream, %v", p.Total, err)
	}
	if text := string(p.Docs[0].JSON); strings.Contains(text, "hunter2") || !json.Valid(p.Docs[0].JSON) {
		t.Errorf("the error shows the value: %s", text)
	}
}

// TestRealRollover takes the answer away, and rolls over before the second try.
func TestRealRollover(t *testing.T) {
	r := newReal(t)
	to, err := url.Parse(r.config.Addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	var x *index
	var cut atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(resp *http.Response) error {
		if resp.Request.URL.Path == "/_bulk" && cut.Add(1)%2 == 1 {
			r.roll(t, x)
			return errors.New("cut off")
		}
		return nil
	}
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	front := httptest.NewServer(proxy)
	defer front.Close()
	x = r.open(t, func(c *Config) { c.Addresses = []string{front.URL} })
	for n := range 4 {
		persist(t, x, part(n*100, 100, time.Now()))
	}
	if cut.Load() < 4 {
		t.Error("no answer was taken away")
	}
	holds(t, x, 400)
}

// TestRealTemplates: where another's template takes a data stream nothing is
// written, with all rights and with those of the running product; it goes on when
// that is put right.
func TestRealTemplates(t *testing.T) {
	r := newReal(t)
	admin := r.open(t)
	for _, all := range []bool{true, false} {
		x := r.open(t, func(c *Config) {
			if !all {
				c.Username, c.Password = "", ""
				c.APIKey = r.key(t, admin, object{"index": []object{{"names": []string{"logs-ssf.*"}, "privileges": runtimePrivileges}}})
			}
		})
		x.refresh = ""
		set, foreign := x.streamName("ssf.set"), "/_index_template/"+x.namespace
		template := object{"index_patterns": []string{set}, "priority": 9999, "data_stream": object{}}
		if err := admin.client.call(t.Context(), http.MethodPut, foreign, nil, template, nil); err != nil {
			t.Fatal(err)
		}
		results, err := x.Deliver(t.Context(), documents(20))
		if err != nil {
			t.Fatal(err)
		}
		if err := left(results); !errors.Is(err, errHold) || !strings.Contains(err.Error(), "run signalbox index setup") {
			t.Errorf("error is %v", err)
		}
		holds(t, admin.named(x.namespace), 0)
		if err := admin.client.call(t.Context(), http.MethodDelete, foreign, nil, nil, nil); err != nil {
			t.Fatal(err)
		}
		if !all { // the cluster has made the data stream
			r.roll(t, admin.named(x.namespace))
		}
		persist(t, x, documents(20))
		holds(t, admin.named(x.namespace), 20)
	}
}

// named is the same index under another namespace.
func (x *index) named(namespace string) *index {
	return newIndex(x.client, namespace, 1, 1<<20, kind.Env{})
}
