package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// soc is examples/soc at work: both processes, on a copy of the folder with ports,
// topics and a namespace of its own.
type soc struct {
	t           *testing.T
	dir, binary string
	env         []string
	kafka       *kgo.Client
	topics      string // put before the example's names
	addr, idp   string // of the two processes
	product     *exec.Cmd
	setup       string // key for setting the index up; "" where there is nothing to set up
	crm         struct{ poll, token string }
}

// newSOC copies the example. change makes of its configuration what the servers
// at hand ask for.
func newSOC(t *testing.T, broker string, env map[string]string, change func(config string) string) *soc {
	t.Helper()
	dir, err := os.MkdirTemp("", "soc") // short: the path of a socket is bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &soc{t: t, dir: dir, addr: pipelinetest.FreeAddr(t), idp: pipelinetest.FreeAddr(t)}
	if s.binary, err = exec.LookPath("signalbox"); err != nil { // which TestMain puts there
		t.Fatal(err)
	}
	s.topics = fmt.Sprintf("t%d-", time.Now().UnixNano())
	for _, part := range []string{"idp", "feed", "rules", "records"} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join("../../examples/soc", part))); err != nil {
			t.Fatal(err)
		}
	}
	where := strings.NewReplacer("127.0.0.1:8086", s.addr, "127.0.0.1:8090", s.idp, "localhost:8090", strings.Replace(s.idp, "127.0.0.1", "localhost", 1),
		`"crowdstrike-alerts"`, `"`+s.topics+`crowdstrike-alerts"`, `"defender-alerts"`, `"`+s.topics+`defender-alerts"`, `"sets"`, `"`+s.topics+`sets"`,
		`"soc-actions"`, `"`+s.topics+`soc-actions"`, `"soc-refused"`, `"`+s.topics+`soc-refused"`, `"soc"`+"\n  dead", `"`+s.topics+`soc"`+"\n  dead")
	for _, name := range []string{"config.hcl", "idp/config.hcl"} {
		text, err := os.ReadFile(filepath.Join("../../examples/soc", name))
		if err != nil {
			t.Fatal(err)
		}
		config := where.Replace(string(text)) + "\njournal { min_free = bytes(\"1MiB\") }\n"
		if name == "config.hcl" {
			config = change(config)
		}
		s.write(name, config)
	}
	if err := os.MkdirAll(filepath.Join(dir, "out/log"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.crm.token = "crm-0123456789abcdef0123456789"
	s.env = append(os.Environ(), "KAFKA="+broker, "IDP_TOKEN=soc-0123456789abcdef0123456789", "CRM_TOKEN="+s.crm.token)
	for name, value := range env {
		s.env = append(s.env, name+"="+value)
	}
	if s.kafka, err = kgo.NewClient(kgo.SeedBrokers(broker)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kafka.Close)
	for _, name := range []string{"crowdstrike-alerts", "defender-alerts", "sets", "soc-actions", "soc-refused"} {
		if _, err := kadm.NewClient(s.kafka).CreateTopic(t.Context(), 1, 1, nil, s.topics+name); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// run runs a command of the product in the folder and returns what it printed.
func (s *soc) run(args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("signalbox %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (s *soc) try(args ...string) (string, error) {
	cmd := exec.Command(s.binary, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// start starts a process that the test's end kills, if nothing did before.
func (s *soc) start(log string, args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(s.binary, append([]string{"run"}, args...)...)
	cmd.Dir, cmd.Env = s.dir, s.env
	f, err := os.OpenFile(filepath.Join(s.dir, log), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	cmd.Stderr = f
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if s.t.Failed() {
			s.t.Logf("%s:\n%s", log, s.file(log))
		}
	})
	return cmd
}

// begin starts the product and waits until it answers.
func (s *soc) begin() {
	s.t.Helper()
	s.product = s.start("product.txt")
	s.await("the product to be ready", func() bool {
		resp, err := http.Get("http://" + s.addr + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// kill is kill -9, and a new start.
func (s *soc) kill() {
	s.t.Helper()
	if err := s.product.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.product.Wait()
	s.begin()
}

func (s *soc) file(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *soc) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *soc) await(what string, done func() bool) {
	s.t.Helper()
	for late := time.Now().Add(pipelinetest.Patience); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(late) {
			out, _ := s.try("status")
			s.t.Fatalf("waited in vain for %s\n%s", what, out)
		}
	}
}

// found waits until a search counts n documents.
func (s *soc) found(n int, query string) {
	s.t.Helper()
	last := ""
	s.await(fmt.Sprintf("%d documents of %s", n, query), func() bool {
		last, _ = s.try("query", "--since", "1h", "--count", query)
		return strings.TrimSpace(last) == fmt.Sprint(n)
	})
}

// records are the lines of a file of the example, as if they were of now.
func (s *soc) records(name string) string {
	return strings.ReplaceAll(s.file("records/"+name), "@NOW@", time.Now().UTC().Format("2006-01-02T15:04:05"))
}

// log appends records to the identity provider's log.
func (s *soc) log(name string) {
	s.t.Helper()
	f, err := os.OpenFile(filepath.Join(s.dir, "out/log/log.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(s.records(name)); err != nil {
		s.t.Fatal(err)
	}
}

// produce writes lines to a topic, in order.
func (s *soc) produce(topic, lines string) {
	s.t.Helper()
	for line := range strings.Lines(lines) {
		r := &kgo.Record{Topic: s.topics + topic, Value: []byte(strings.TrimSpace(line))}
		if err := s.kafka.ProduceSync(s.t.Context(), r).FirstErr(); err != nil {
			s.t.Fatal(err)
		}
	}
}

// report is a token of the feed, signed by the key of the folder named.
func (s *soc) report(key, user string) string {
	return s.run("set", "sign", "--config", key, "--issuer", "https://feed.example.net", "--audience", "https://soc.example.com",
		"--event", "credential-compromise", "--body", `{"credential_type": "password", "reason_admin": {"en": "stealer logs"}}`, "--subject", user)
}

// call is one of the application's at the product.
func (s *soc) call(url, body string) []byte {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.crm.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		s.t.Fatalf("%s: %s, %v\n%s", url, resp.Status, err, text)
	}
	return text
}

// subscribe makes the application's stream.
func (s *soc) subscribe() {
	s.t.Helper()
	var made struct {
		Delivery struct {
			Endpoint string `json:"endpoint_url"`
		} `json:"delivery"`
	}
	if err := json.Unmarshal(s.call("http://"+s.addr+"/ssf/apps/streams", "{}"), &made); err != nil {
		s.t.Fatal(err)
	}
	s.crm.poll = made.Delivery.Endpoint
}

// poll fetches n tokens of the application's stream and acknowledges them.
func (s *soc) poll(n int) string {
	s.t.Helper()
	sets, acks := map[string]string{}, []string{}
	s.await(fmt.Sprintf("%d tokens for the application", n), func() bool {
		body, err := json.Marshal(map[string]any{"ack": acks, "returnImmediately": true})
		if err != nil {
			s.t.Fatal(err)
		}
		var answer struct {
			Sets map[string]string `json:"sets"`
		}
		if err := json.Unmarshal(s.call(s.crm.poll, string(body)), &answer); err != nil {
			s.t.Fatal(err)
		}
		acks = acks[:0]
		for jti, token := range answer.Sets {
			if was, ok := sets[jti]; ok && was != token {
				s.t.Errorf("%s came a second time with other bytes", jti)
			}
			sets[jti] = token
			acks = append(acks, jti)
		}
		return len(sets) >= n && len(acks) == 0
	})
	text, err := json.Marshal(map[string]any{"sets": sets})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// consume reads n different records of a topic.
func (s *soc) consume(topic string, n int) string {
	s.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.OptValue(kgo.SeedBrokers).([]string)...), kgo.ConsumeTopics(s.topics+topic))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	seen, list := map[string]bool{}, []string{}
	s.await(fmt.Sprintf("%d records of %s", n, topic), func() bool {
		for _, r := range c.PollFetches(s.t.Context()).Records() {
			if !seen[string(r.Value)] {
				seen[string(r.Value)] = true
				list = append(list, string(r.Value))
			}
		}
		return len(list) >= n
	})
	return strings.Join(list, "\n") + "\n"
}

// verify has tokens verified and returns what they state, sorted.
func (s *soc) verify(name, audience, tokens string) (list []string) {
	s.t.Helper()
	s.write(name, tokens)
	out := s.run("set", "verify", "--jwks", "out/jwks.json", "--issuer", "https://signals.example.com", "--audience", audience, name)
	for line := range strings.Lines(out) {
		list = append(list, regexp.MustCompile(`^verified  (\S+ for \S+)  `).FindStringSubmatch(line)[1])
	}
	return list
}

// documents are all there are, by their dataset.
func (s *soc) documents() map[string][]map[string]any {
	s.t.Helper()
	list := map[string][]map[string]any{}
	for d := json.NewDecoder(bytes.NewReader([]byte(s.run("query", "--since", "1h", "--limit", "10000", "--format", "ndjson", "*")))); ; {
		var doc map[string]any
		if err := d.Decode(&doc); err == io.EOF {
			return list
		} else if err != nil {
			s.t.Fatal(err)
		}
		list[text(doc, "event.dataset")] = append(list[text(doc, "event.dataset")], doc)
	}
}

// text is a member of a document by its dotted name.
func text(doc map[string]any, name string) string {
	var v any = doc
	for part := range strings.SplitSeq(name, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[part]
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// TestSOC plays examples/soc against a broker in this process, with the embedded
// index in place of Elasticsearch. What a kill costs here is the time until the
// broker believes it: TestRealSOC kills.
func TestSOC(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	index := regexp.MustCompile(`(?s)index "elasticsearch" "soc" \{.*?\n\}`)
	newSOC(t, c.ListenAddrs()[0], nil, func(config string) string {
		return index.ReplaceAllString(config, `index "sqlite" "soc" {}`)
	}).play(false)
}

// TestRealSOC plays examples/soc with a real broker and a real node together.
func TestRealSOC(t *testing.T) {
	broker, node := os.Getenv("SIGNALBOX_KAFKA"), os.Getenv("SIGNALBOX_ELASTICSEARCH")
	if broker == "" || node == "" {
		t.Skip("needs a real broker and a real node: run .ci/kafka/broker start and .ci/elasticsearch/node start, then go test with SIGNALBOX_KAFKA=127.0.0.1:19092 and SIGNALBOX_ELASTICSEARCH set to what it prints")
	}
	u, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	login := u.User
	u.User = nil
	key := func(roles string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.String()+"/_security/api_key", strings.NewReader(`{"name": "soc", "role_descriptors": `+roles+`}`))
		if err != nil {
			t.Fatal(err)
		}
		password, _ := login.Password()
		req.SetBasicAuth(login.Username(), password)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var made struct {
			Encoded string `json:"encoded"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.Encoded == "" {
			t.Fatalf("no key: %s, %v", resp.Status, err)
		}
		return made.Encoded
	}
	running := key(`{"signalbox": {"indices": [{"names": ["logs-ssf.*"], "privileges": ["auto_configure", "create_doc", "read", "view_index_metadata"]}]}}`)
	s := newSOC(t, broker, map[string]string{"ELASTICSEARCH": u.String(), "ELASTICSEARCH_KEY": running}, func(config string) string {
		return strings.Replace(config, "  addresses = ", fmt.Sprintf("  namespace = \"t%d\"\n  addresses = ", time.Now().UnixNano()), 1)
	})
	s.setup = key(`{"setup": {"cluster": ["manage_index_templates", "manage_ilm", "manage_ingest_pipelines", "monitor"]}}`)
	s.play(true)
}
