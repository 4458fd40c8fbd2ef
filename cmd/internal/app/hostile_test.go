package app

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// attack is something a stranger or a partner gone wrong sends, and all that
// may come of it.
type attack struct {
	class, name string
	send        func(v *victim) reply
	status      int
	err         string // code in the error object, "" for an empty body
	// says is the broken rule that the document names; a verdict for what is
	// answered 202; "" where no body was read, so that the metric of responses
	// tells; "server" where the HTTP server itself refused.
	says string
	ids  string // requirements shown; "": what says names
}

// reply is what was answered.
type reply struct {
	status int
	err    string
	body   object // what was no error object
	token  []byte // that was sent, if it was one
}

// TestHostile sends every attack to one running product: each is answered as
// the standards say, changes nothing that is remembered, and is told by the
// document or the metric that an operator looks at.
func TestHostile(t *testing.T) {
	v := newVictim(t)
	v.streams()
	empty := v.state()
	v.good = v.token(object{"events": object{"https://schemas.openid.net/secevent/risc/event-type/account-disabled": object{}}})
	if got := v.post("idp", v.good); got.status != http.StatusAccepted {
		t.Fatalf("what is good was answered %+v", got)
	}
	v.settle()
	if difference(empty, v.state()) == "" {
		t.Fatal("what is good changes nothing, so nothing is shown")
	}
	v.jti = v.waiting(appToken, "app")
	classes := map[string]int{}
	for _, a := range slices.Concat(tokenAttacks(), claimAttacks(), wireAttacks(), manageAttacks()) {
		classes[a.class]++
		t.Run(a.class+"/"+a.name, func(t *testing.T) { v.face(t, a) })
	}
	for class, n := range classes {
		if n < 3 {
			t.Errorf("%s: %d attacks, want 3 at least", class, n)
		}
	}
}

// face stands one attack.
func (v *victim) face(t *testing.T, a attack) {
	ids := a.ids
	if ids == "" {
		ids = a.says
	}
	v.settle()
	before, last, answered := v.state(), v.app.store.Last(), v.answered(a.status)
	got := a.send(v)
	req.Equal(t, ids, fmt.Sprint(got.status, " ", got.err), fmt.Sprint(a.status, " ", a.err))
	v.settle()
	d := difference(before, v.state())
	req.True(t, ids, d == "", "changed what is remembered: %s", d)
	records := v.since(last)
	switch {
	case a.says == "server":
	case a.status == http.StatusAccepted && a.says == string(pipeline.Repeated):
		if len(records) != 0 {
			t.Errorf("a repeat left %d records", len(records))
		}
	case a.status == http.StatusAccepted || a.says != "":
		v.told(t, a, got, records)
		return
	}
	if a.status != http.StatusAccepted && a.says != "server" && v.answered(a.status) != answered+1 {
		t.Errorf("signalbox_http_responses_total does not tell of the %d", a.status)
	}
	if len(records) != 0 {
		t.Errorf("left %d records", len(records))
	}
}

// told looks for the one record and its document.
func (v *victim) told(t *testing.T, a attack, got reply, records []uint64) {
	t.Helper()
	if len(records) != 1 {
		t.Fatalf("left %d records, want one", len(records))
	}
	answer, err := v.api.Query(t.Context(), api.QueryRequest{Query: fmt.Sprintf("event.sequence:%d", records[0]<<16)})
	if err != nil || len(answer.Docs) != 1 {
		t.Fatalf("%d documents of record %d, %v", len(answer.Docs), records[0], err)
	}
	var doc struct {
		Set struct {
			Verdict string
			Reject  struct{ Requirement, Quarantine string }
		}
		Error struct{ Code string }
		SSF   struct{ Sender string }
	}
	if err := json.Unmarshal(answer.Docs[0], &doc); err != nil {
		t.Fatal(err)
	}
	if a.status == http.StatusAccepted {
		if doc.Set.Verdict != a.says {
			t.Errorf("the document's verdict is %s, want %s", doc.Set.Verdict, a.says)
		}
		return
	}
	if got, want := doc.Set.Verdict+" "+doc.Error.Code+" "+doc.Set.Reject.Requirement, "rejected "+a.err+" "+a.says; got != want {
		t.Errorf("the document says %q, want %q", got, want)
	}
	switch id := doc.Set.Reject.Quarantine; {
	case doc.SSF.Sender == "" && id != "":
		t.Errorf("a stranger's message is in quarantine as %s", id)
	case doc.SSF.Sender != "":
		m, err := v.api.Quarantined(t.Context(), id)
		if err != nil || m.Requirement != a.says || got.token != nil && m.Text != string(got.token) {
			t.Errorf("the quarantine has %s, refused for %s, under %q, %v", m.JTI, m.Requirement, id, err)
		}
	}
	v.unmarked(t, got.token)
}

// unmarked checks that the token could still be taken once it, or we, were put
// right.
func (v *victim) unmarked(t *testing.T, token []byte) {
	t.Helper()
	parts := strings.Split(string(token), ".")
	if len(parts) != 3 {
		return
	}
	var c struct{ Iss, Jti string }
	if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || json.Unmarshal(text, &c) != nil {
		return
	}
	tx, err := v.app.store.Begin(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, seen, err := tx.Seen(pipeline.SETInputID(c.Iss, c.Jti)); err != nil || seen {
		t.Errorf("a refused token is marked as seen (%v)", err)
	}
}

// The issuers of the test, by the source that carries their tokens.
var hostileIssuers = map[string]struct{ url, rules string }{
	"idp":     {"https://idp.example.com", "ssf"},
	"strict":  {"https://strict.example.com", "interop"},
	"hr":      {"https://hr.example.com", "scim"},
	"vendors": {"https://edr.example.com", "okta"},
}

const (
	hostileAudience = "https://siem.example.com"
	hostileSecret   = "Bearer a-secret-of-the-test"
)

// victim is the running product with the keys of its issuers.
type victim struct {
	t    *testing.T
	app  *App
	api  *api.Client
	keys map[string]crypto.Signer // by kid; "stranger" is in no key set
	jtis int
	good []byte // the token that was taken; its jti is j-1

	stream map[string]string // ids of the receivers' streams
	jti    []string          // of SETs handed out for the stream "app" and not acknowledged
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{t: t, keys: newKeys(t), stream: map[string]string{}}
	var b strings.Builder
	b.WriteString(`sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "revoke-session" {
  emit "session-revoked" { to = ["out", "signals"] }
}
` + hostileSink)
	for _, name := range []string{"hr", "strict", "vendors"} {
		b.WriteString(hostileSource(name))
	}
	v.begin(b.String(), map[string]string{"app.token": appToken, "hr.token": hrToken, "reader.token": readerToken})
	return v
}

// newKeys makes the keys of the test, by kid.
func newKeys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	keys := map[string]crypto.Signer{}
	for kid, bits := range map[string]int{"k-1": 2048, "k-weak": 1024, "k-enc": 2048, "stranger": 2048} {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		keys[kid] = k
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys["k-ec"] = ec
	return keys
}

// hostileSource are the blocks of an issuer and of the source that carries its
// tokens.
func hostileSource(name string) string {
	i := hostileIssuers[name]
	issuer := fmt.Sprintf(`issuer %q {
  jwks_file        = "keys.json"
  audience         = [%q]
  rules            = %q
  critical_members = ["tenant"]
  remit {
    events   = ["*"]
    subjects = ["*"]
    actions  = ["*"]
  }
}
`, i.url, hostileAudience, i.rules)
	if name == "vendors" {
		return issuer + fmt.Sprintf("source \"okta\" %q {\n  issuers = [%q]\n}\n", name, i.url)
	}
	return issuer + fmt.Sprintf("source \"ssf\" %q {\n  issuer = %q\n  push { authorization = file(\"secret\") }\n}\n", name, i.url)
}

// begin starts the product with the source "idp" and what the test adds.
func (v *victim) begin(more string, files map[string]string) {
	v.t.Helper()
	dir := v.t.TempDir()
	FitIndex(v.t, filepath.Join(dir, "data"))
	all := map[string]string{
		"keys.json": v.jwks(), "secret": hostileSecret, "rules/signals/.keep": "",
		"config.hcl": `listen   = "127.0.0.1:0"
data_dir = "data"
metrics { listen = "127.0.0.1:0" }
journal { min_free = bytes("1MiB") }
policies { dir = "rules" }
index "sqlite" "local" {}
` + hostileSource("idp") + more,
	}
	maps.Copy(all, files)
	for name, text := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			v.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			v.t.Fatal(err)
		}
	}
	var err error
	if v.app, err = New(Options{Config: filepath.Join(dir, "config.hcl"), Version: "test"}); err != nil {
		v.t.Fatal(err)
	}
	if err := v.app.Start(v.t.Context()); err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pipelinetest.Patience)
		defer cancel()
		if err := v.app.Stop(ctx); err != nil {
			v.t.Error(err)
		}
	})
	v.api = api.Dial(filepath.Join(dir, "data"))
}

func (v *victim) jwks() string {
	b64 := base64.RawURLEncoding.EncodeToString
	var list []string
	for _, kid := range slices.Sorted(maps.Keys(v.keys)) {
		use := "sig"
		if kid == "k-enc" {
			use = "enc"
		}
		switch k := v.keys[kid].Public().(type) {
		case *rsa.PublicKey:
			if kid != "stranger" {
				list = append(list, fmt.Sprintf(`{"kty":"RSA","use":%q,"kid":%q,"n":%q,"e":%q}`, use, kid, b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())))
			}
		case *ecdsa.PublicKey:
			point, err := k.Bytes()
			if err != nil {
				v.t.Fatal(err)
			}
			list = append(list, fmt.Sprintf(`{"kty":"EC","crv":"P-256","use":"sig","kid":%q,"x":%q,"y":%q}`, kid, b64(point[1:33]), b64(point[33:])))
		}
	}
	return `{"keys":[` + strings.Join(list, ",") + `]}`
}

// object is a JSON object under change.
type object = map[string]any

const (
	plainHeader = `{"typ":"secevent+jwt","alg":"RS256","kid":"k-1"}`
	caepBase    = "https://schemas.openid.net/secevent/caep/event-type/"
	ssfBase     = "https://schemas.openid.net/secevent/ssf/event-type/"
)

// claims are those of a good token of the source's issuer, changed; nil removes
// one.
func (v *victim) claims(source string, change object) []byte {
	v.t.Helper()
	v.jtis++
	c := object{
		"iss": hostileIssuers[source].url, "aud": hostileAudience, "iat": time.Now().Unix(), "jti": fmt.Sprintf("j-%d", v.jtis),
		"sub_id": object{"format": "email", "email": "jane@example.com"},
		"events": object{caepBase + "session-revoked": object{}},
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(c)
	if err != nil {
		v.t.Fatal(err)
	}
	return text
}

func (v *victim) token(change object) []byte { return v.sign(plainHeader, v.claims("idp", change)) }

// sign makes a token that says what the header says, signed as it says, or as
// near to it as can be.
func (v *victim) sign(header string, claims []byte) []byte {
	v.t.Helper()
	var h struct{ Alg, Kid string }
	if err := json.Unmarshal([]byte(header), &h); err != nil {
		v.t.Fatal(err)
	}
	key := v.keys[h.Kid]
	if key == nil {
		key = v.keys["stranger"]
	}
	return v.signBy(key, h.Alg, header, claims)
}

func (v *victim) signBy(key crypto.Signer, alg, header string, claims []byte) []byte {
	v.t.Helper()
	enc := base64.RawURLEncoding
	in := enc.AppendEncode(enc.AppendEncode(nil, []byte(header)), nil)
	in = enc.AppendEncode(append(in, '.'), claims)
	sum := sha256.Sum256(in)
	var sig []byte
	var err error
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		r, s, serr := ecdsa.Sign(rand.Reader, k, sum[:])
		if err = serr; err == nil {
			sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case *rsa.PrivateKey:
		switch alg {
		case "none":
		case "HS256": // the public key as the secret
			public, perr := x509.MarshalPKIXPublicKey(k.Public())
			if err = perr; err == nil {
				mac := hmac.New(sha256.New, public)
				mac.Write(in)
				sig = mac.Sum(nil)
			}
		case "PS256":
			sig, err = rsa.SignPSS(rand.Reader, k, crypto.SHA256, sum[:], nil)
		default:
			sig, err = rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
		}
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return enc.AppendEncode(append(in, '.'), sig)
}

func (v *victim) path(source string) string {
	if source == "vendors" {
		return "/security/api/v1/security-events"
	}
	return "/ssf/" + source + "/push"
}

// post pushes a token as its sender would.
func (v *victim) post(source string, token []byte) reply {
	v.t.Helper()
	h := http.Header{"Content-Type": {"application/secevent+jwt"}}
	if source != "vendors" {
		h.Set("Authorization", hostileSecret)
	}
	r := v.request(http.MethodPost, source, string(token), h)
	r.token = token
	return r
}

func (v *victim) request(method, source, body string, header http.Header) reply {
	v.t.Helper()
	return v.call(method, v.path(source), body, header)
}

// call makes a request to the shared listener.
func (v *victim) call(method, path, body string, header http.Header) reply {
	v.t.Helper()
	r, err := http.NewRequest(method, "http://"+v.app.Addr()+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.read(resp)
}

// raw writes bytes to the listener as they are and reads one answer.
func (v *victim) raw(text string) reply {
	v.t.Helper()
	conn, err := net.Dial("tcp", v.app.Addr())
	if err != nil {
		v.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		v.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.read(resp)
}

func (v *victim) read(resp *http.Response) reply {
	v.t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		v.t.Fatal(err)
	}
	r := reply{status: resp.StatusCode}
	var e struct{ Err, Description string }
	_ = json.Unmarshal(body, &r.body) // a list is none
	if len(body) > 0 && json.Unmarshal(body, &e) == nil && e.Err != "" {
		r.err = e.Err
		if e.Description == "" || resp.Header.Get("Content-Language") != "en" || resp.Header.Get("Content-Type") != "application/json" {
			v.t.Errorf("error object %s with header %v", body, resp.Header)
		}
	}
	return r
}

// settle waits until everything was delivered and indexed.
func (v *victim) settle() {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), pipelinetest.Patience)
	defer cancel()
	if err := v.app.Settled(ctx); err != nil {
		v.t.Fatal(err)
	}
}

// state is all that the product remembers, by key: entities, links, windows,
// marks of guards, timers and queues. Left out is what is there to be looked at
// only: the journal, the quarantine and the courses of streams, which are written
// down from time to time.
func (v *victim) state() map[string]string {
	v.t.Helper()
	s := map[string]string{}
	err := v.app.store.Scan(context.Background(), "", func(key string, value []byte) bool {
		if !strings.HasPrefix(key, "q/") && !strings.HasPrefix(key, "~t/signals/c/") {
			s[key] = string(value)
		}
		return true
	})
	stats, serr := v.app.store.Stats()
	if err := errors.Join(err, serr); err != nil {
		v.t.Fatal(err)
	}
	s["timers"] = fmt.Sprint(stats.Timers)
	for _, q := range stats.Queues {
		s["queue "+q.Name] = fmt.Sprint(q.Items)
	}
	return s
}

// difference names a key whose value differs, "" when none does.
func difference(a, b map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if was, ok := a[key]; !ok || was != b[key] {
			return fmt.Sprintf("%q: %.200q, was %.200q", key, b[key], was)
		}
	}
	for key := range a {
		if _, ok := b[key]; !ok {
			return fmt.Sprintf("%q is gone", key)
		}
	}
	return ""
}

// since gives the sequences of the records of messages after that one.
func (v *victim) since(last uint64) (seqs []uint64) {
	v.t.Helper()
	err := v.app.store.Journal(context.Background(), last, func(seq uint64, data []byte) bool {
		var rec pipeline.Record
		if err := json.Unmarshal(data, &rec); err != nil {
			v.t.Errorf("record %d: %v", seq, err)
			return false
		}
		if rec.Input != nil {
			seqs = append(seqs, seq)
		}
		return true
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return seqs
}

// answered is how often the product gave an answer of that status, as its
// metrics tell.
func (v *victim) answered(status int) int {
	v.t.Helper()
	return v.metric("signalbox_http_responses_total", "status", fmt.Sprint(status))
}

// metric sums the series of a metric with that label.
func (v *victim) metric(name, label, value string) (n int) {
	v.t.Helper()
	families, err := v.app.metrics.registry.Gather()
	if err != nil {
		v.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == label && l.GetValue() == value {
					n += int(m.GetCounter().GetValue() + m.GetGauge().GetValue())
				}
			}
		}
	}
	return n
}
