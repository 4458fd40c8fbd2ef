package transmitter

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

const (
	issuer   = "https://signals.example.com"
	appToken = "app-token-0123456789"
	hrToken  = "hr-token-0123456789"
	revoked  = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
	changed  = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
	base     = "/ssf/signals"
)

// two is a transmitter with two receivers that manage their streams.
func two() *Config {
	return &Config{
		Issuer: issuer,
		Receivers: []Receiver{
			{Name: "app", Audience: []string{"https://app.example.com"}, Token: appToken, MaxStreams: 3, AllowPrivate: true},
			{Name: "hr", Audience: []string{"https://hr.example.com"}, Token: hrToken, MaxStreams: 1},
		},
	}
}

// rig is a transmitter on a store, served without sockets.
type rig struct {
	t     testing.TB
	store store.Store
	line  *pipeline.Pipeline
	hub   *hub
	mux   *http.ServeMux
	stop  func() // ends the loops and waits
	n     int
}

// serve starts a transmitter on a store, nil for one in memory, and stops it at
// the end of the test.
func serve(t testing.TB, s store.Store, c *Config) *rig {
	t.Helper()
	return serveOn(t, s, c, func() bool { return false })
}

// serveOn serves on a store that may be killed; nil if that was before it ran.
func serveOn(t testing.TB, s store.Store, c *Config, killed func() bool) *rig {
	t.Helper()
	if s == nil {
		s = store.NewMemory(store.Options{}, store.Faults{})
	}
	for _, p := range c.Validate() {
		t.Fatal(p)
	}
	r := &rig{t: t, store: s, mux: http.NewServeMux()}
	r.line = pipeline.New(pipeline.Options{Store: s})
	r.line.Use(pipeline.Settings{})
	closing := make(chan struct{})
	sink, err := c.Open(kind.Env{
		Name: "signals", Signer: signers, Closing: closing,
		Mount: func(pattern string, h http.Handler) error { r.mux.Handle(pattern, h); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.hub = sink.(*hub)
	r.hub.Use(r.line)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var once sync.Once
	for _, run := range []func() error{
		func() error { return r.line.Deliver(ctx, "signals", r.hub) },
		func() error { return r.hub.Run(ctx) },
	} {
		wg.Go(func() {
			if err := run(); err != nil && !killed() {
				t.Errorf("loop: %v", err)
			}
		})
	}
	r.stop = func() {
		once.Do(func() {
			close(closing)
			cancel()
			wg.Wait()
		})
	}
	t.Cleanup(r.stop)
	r.until("it runs", func() bool { return r.hub.Ready() || killed() })
	if killed() {
		r.stop()
		return nil
	}
	return r
}

// until waits for a condition.
func (r *rig) until(what string, is func() bool) {
	r.t.Helper()
	for range 15000 {
		if is() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	r.t.Fatalf("never came true: %s", what)
}

// reply is an answer of the transmitter.
type reply struct {
	status int
	header http.Header
	body   string
}

// json decodes the body.
func (a reply) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("body %q of a %d: %v", a.body, a.status, err)
	}
	return m
}

// ask makes a request. A body that is no string is written as JSON.
func (r *rig) ask(token, method, path string, body any) reply {
	r.t.Helper()
	return r.askIn(context.Background(), token, method, path, body)
}

func (r *rig) askIn(ctx context.Context, token, method, path string, body any) reply {
	text, ok := body.(string)
	if !ok && body != nil {
		b, _ := json.Marshal(body)
		text = string(b)
	}
	req := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(text))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, req)
	return reply{w.Code, w.Header(), w.Body.String()}
}

// object is a JSON object.
type object = map[string]any

// create makes a stream and returns its id.
func (r *rig) create(token string, body object) string {
	r.t.Helper()
	a := r.ask(token, "POST", base+"/streams", body)
	if a.status != http.StatusCreated {
		r.t.Fatalf("create: %d %s", a.status, a.body)
	}
	return a.json(r.t)["stream_id"].(string)
}

// polling is the body that makes a stream which is polled.
func polling(events ...string) object {
	return object{"events_requested": events, "delivery": object{"method": "urn:ietf:rfc:8936"}}
}

func pushing(endpoint string, events ...string) object {
	return object{"events_requested": events, "delivery": object{
		"method": "urn:ietf:rfc:8935", "endpoint_url": endpoint, "authorization_header": "Bearer of-the-receiver",
	}}
}

// act queues an action that states an event, and returns its id once it was
// spread.
func (r *rig) act(name string, subject event.Subject) string {
	r.t.Helper()
	id := r.queue(name, subject)
	r.until("the action is spread", func() bool { n, _ := r.line.Pending("signals"); return n == 0 })
	return id
}

func (r *rig) queue(name string, subject event.Subject) string {
	r.t.Helper()
	r.n++
	text, _ := subject.MarshalJSON()
	a := pipeline.Action{
		ID: "a-" + strconv.Itoa(r.n), Type: "test", Emits: name, Target: "signals", Mode: pipeline.Enforce, Subject: text, Key: subject.Key(),
		Body: []byte(`{"n":` + strconv.Itoa(r.n) + `}`), Made: time.Now(), Received: time.Now(), Expires: time.Now().Add(time.Hour),
	}
	err := r.line.Transact(context.Background(), nil, func(tx store.Tx, add func(pipeline.Action)) error {
		return pipeline.Enqueue(tx, &a, time.Now())
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return a.ID
}

// sub reads a subject.
func sub(t testing.TB, text string) event.Subject {
	t.Helper()
	var s event.Subject
	if err := s.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return s
}

func email(t testing.TB, address string) event.Subject {
	return sub(t, fmt.Sprintf(`{"format":"email","email":%q}`, address))
}

// polled is what a poll brought.
type polled struct {
	status int
	sets   map[string]claims // by the outer key
	more   bool
}

type claims struct {
	JTI    string                    `json:"jti"`
	Issuer string                    `json:"iss"`
	Aud    any                       `json:"aud"`
	IAT    int64                     `json:"iat"`
	Sub    object                    `json:"sub_id"`
	Events map[string]map[string]any `json:"events"`
	Txn    string                    `json:"txn"`
}

// event is the URI of the one event.
func (c claims) event() string {
	for uri := range c.Events {
		return uri
	}
	return ""
}

func (p polled) jtis() (list []string) {
	for jti := range p.sets {
		list = append(list, jti)
	}
	slices.Sort(list)
	return list
}

// poll polls a stream at once.
func (r *rig) poll(token, id string, body object) polled {
	r.t.Helper()
	if body == nil {
		body = object{}
	}
	if _, ok := body["returnImmediately"]; !ok {
		body["returnImmediately"] = true
	}
	return r.pollIn(context.Background(), token, id, body)
}

func (r *rig) pollIn(ctx context.Context, token, id string, body object) (p polled) {
	r.t.Helper()
	a := r.askIn(ctx, token, "POST", base+"/poll/"+id, body)
	if p.status = a.status; a.status != http.StatusOK {
		return p
	}
	var m struct {
		Sets          map[string]string
		MoreAvailable bool
	}
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		r.t.Errorf("poll: %v in %s", err, a.body)
	}
	p.sets, p.more = map[string]claims{}, m.MoreAvailable
	for jti, token := range m.Sets {
		p.sets[jti] = read(r.t, token)
	}
	return p
}

// read reads the claims of a token, which is checked elsewhere.
func read(t testing.TB, token string) (c claims) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Errorf("token with %d parts", len(parts))
		return c
	}
	decode(t, parts[1], &c)
	return c
}

// statuses are what the journal says became of an action, by stream.
func (r *rig) statuses(id string) map[string]pipeline.Status {
	r.t.Helper()
	found, err := r.line.Find(context.Background(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	m := map[string]pipeline.Status{}
	for _, f := range found {
		for _, a := range f.Record.Actions {
			if a.ID == id {
				m[a.Stream] = a.Status
			}
		}
	}
	return m
}
