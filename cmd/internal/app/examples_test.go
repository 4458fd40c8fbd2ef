package app

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

var update = flag.Bool("update", false, "sign the tokens of the examples anew and write what comes out of them to want; write the table of metrics into docs/operate.md")

const examples = "../../../examples"

// TestExamples runs every example of tokens whole: the product with the example's
// configuration reads in/*.jwt, and what it indexes and does must be what want
// holds. The clock stands a second after the newest token.
//
// What goes to the address in the variable PEER is pushed to a receiver of the
// test, which takes everything.
//
// The tokens are those of claims/*.jsonl, signed with keys that are made from
// the issuer's name, so that anybody can make them again: they protect nothing.
func TestExamples(t *testing.T) {
	claims, err := filepath.Glob(filepath.Join(examples, "*", "claims"))
	if err != nil || len(claims) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, c := range claims {
		dir := filepath.Dir(c)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			e := example{T: t, dir: dir}
			e.sign()
			e.run()
		})
	}
}

// example is one folder.
type example struct {
	*testing.T
	dir    string
	now    time.Time
	tokens int
}

// same holds a file of the folder against what it should be, or writes it.
func (e *example) same(name string, text []byte) {
	e.Helper()
	path := filepath.Join(e.dir, name)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644)); err != nil {
			e.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		e.Fatal(err)
	}
	if !bytes.Equal(have, text) {
		e.Errorf("%s differs; go test ./cmd/internal/app -run TestExamples -update writes it anew.\nIt is:\n%s\nand should be:\n%s", name, have, text)
	}
}

// sign makes in/*.jwt of claims/*.jsonl, and the issuers' key sets.
func (e *example) sign() {
	names, err := filepath.Glob(filepath.Join(e.dir, "claims", "*.jsonl"))
	if err != nil || len(names) == 0 {
		e.Fatalf("no claims: %v", err)
	}
	signers := map[string]*jose.Signer{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			e.Fatal(err)
		}
		var tokens []byte
		for line := range bytes.Lines(text) {
			tokens = append(append(tokens, e.token(signers, bytes.TrimSpace(line))...), '\n')
			e.tokens++
		}
		e.same(filepath.Join("in", strings.TrimSuffix(filepath.Base(name), ".jsonl")+".jwt"), tokens)
	}
	for issuer, s := range signers {
		u, err := url.Parse(issuer)
		if err != nil {
			e.Fatal(err)
		}
		e.same(filepath.Join("keys", u.Host+".json"), append(s.JWKS(), '\n'))
	}
}

func (e *example) token(signers map[string]*jose.Signer, claims []byte) []byte {
	var head struct {
		Issuer   string `json:"iss"`
		IssuedAt int64  `json:"iat"`
	}
	if err := json.Unmarshal(claims, &head); err != nil {
		e.Fatal(err)
	}
	if at := time.Unix(head.IssuedAt+1, 0).UTC(); at.After(e.now) {
		e.now = at
	}
	s := signers[head.Issuer]
	if s == nil {
		seed := sha256.Sum256([]byte("signalbox example " + head.Issuer))
		var err error
		if s, err = jose.NewSigner(ed25519.NewKeyFromSeed(seed[:])); err != nil {
			e.Fatal(err)
		}
		signers[head.Issuer] = s
	}
	token, err := s.Sign(claims)
	if err != nil {
		e.Fatal(err)
	}
	return token
}

// run runs the product on a copy of the folder until everything is done.
func (e *example) run() {
	dir, err := os.MkdirTemp("", "example") // short: the path of a socket is bounded
	if err != nil {
		e.Fatal(err)
	}
	defer os.RemoveAll(dir)
	config := e.copy(dir, "in", "keys")
	peer := pipelinetest.NewPushReceiver(e)
	env := func(name string) (string, bool) { return strings.TrimSuffix(peer.URL, "/events"), name == "PEER" }
	a, err := New(Options{Config: filepath.Join(dir, "config.hcl"), Env: env, Now: func() time.Time { return e.now }})
	if err != nil {
		e.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(e.Context(), pipelinetest.Patience)
	defer cancel()
	if err := a.Start(ctx); err != nil {
		e.Fatal(err)
	}
	e.await(ctx, a, "event.dataset:ssf.set", e.tokens)
	e.fit(e.search(ctx, a, "*"))
	e.same("want/timeline.txt", e.timeline(ctx, a))
	if err := a.Stop(ctx); err != nil {
		e.Error(err)
	}
	if file := filepath.Join(dir, "out", "actions.jsonl"); strings.Contains(config, "out/actions.jsonl") {
		e.same("want/actions.jsonl", e.actions(file))
	}
	if strings.Contains(config, `env("PEER")`) {
		e.same("want/sent.jsonl", e.sent(peer.Taken()))
	}
}

// copy copies the configuration and parts of the folder, and returns the
// configuration.
func (e *example) copy(to string, parts ...string) string {
	for _, part := range parts {
		if err := os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(e.dir, part))); err != nil {
			e.Fatal(err)
		}
	}
	config, err := os.ReadFile(filepath.Join(e.dir, "config.hcl"))
	if err != nil {
		e.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "config.hcl"), config, 0o600); err != nil {
		e.Fatal(err)
	}
	return string(config)
}

// await waits until so many documents of what came in are in the index and
// every action has gone out.
func (e *example) await(ctx context.Context, a *App, what string, n int) {
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		if len(e.search(ctx, a, what)) >= n {
			break
		}
		select {
		case <-ctx.Done():
			e.Fatalf("not everything was read: %v", ctx.Err())
		case <-tick.C:
		}
	}
	if err := a.Settled(ctx); err != nil {
		e.Fatal(err)
	}
	// Nothing waits for a notifier but this: every kind of action that is held is
	// told of once.
	for tick := time.NewTicker(5 * time.Millisecond); len(a.cfg.Notify) > 0; {
		if len(e.search(ctx, a, "event.action:notify")) >= len(e.search(ctx, a, "action.status:held")) {
			break
		}
		select {
		case <-ctx.Done():
			e.Fatalf("not every notice went out: %v", ctx.Err())
		case <-tick.C:
		}
	}
}

func (e *example) search(ctx context.Context, a *App, text string) []query.Hit {
	q, err := query.Parse(text)
	if err != nil {
		e.Fatal(err)
	}
	page, err := a.Searcher().Search(ctx, q, query.Options{Size: 1000, Now: e.now})
	if err != nil {
		e.Fatal(err)
	}
	return page.Docs
}

// fit holds documents against the templates.
func (e *example) fit(docs []query.Hit) {
	for _, d := range docs {
		pipelinetest.Fit(e, pipeline.Delivery{ID: d.ID, Kind: d.Stream, Payload: d.JSON})
	}
}

// timeline is what the index tells, a line per document, way stations of actions
// left out.
func (e *example) timeline(ctx context.Context, a *App) []byte {
	var lines []string
	for _, d := range e.search(ctx, a, "NOT event.dataset:ssf.audit NOT action.status:queued NOT action.status:sent") {
		var doc struct {
			Time    time.Time `json:"@timestamp"`
			Message string    `json:"message"`
			Event   struct {
				Dataset string `json:"dataset"`
			} `json:"event"`
			Set struct {
				Remit string `json:"remit"`
			} `json:"set"`
		}
		if err := json.Unmarshal(d.JSON, &doc); err != nil {
			e.Fatal(err)
		}
		line := fmt.Sprintf("%s  %-12s  %s", doc.Time.Format(time.RFC3339), doc.Event.Dataset, doc.Message)
		if doc.Set.Remit != "" {
			line += " [recorded only: " + doc.Set.Remit + "]"
		}
		lines = append(lines, line)
	}
	order := []string{"ssf.set", "ssf.alert", "ssf.error", "ssf.decision", "ssf.action"}
	slices.SortFunc(lines, func(x, y string) int {
		a, b := strings.Fields(x), strings.Fields(y)
		return cmp.Or(strings.Compare(a[0], b[0]), cmp.Compare(slices.Index(order, a[1]), slices.Index(order, b[1])), strings.Compare(x, y))
	})
	return []byte(strings.Join(lines, "\n") + "\n")
}

// sent is what a peer was pushed, without what only tells one run from another.
func (e *example) sent(tokens []string) []byte {
	var lines []string
	for _, token := range tokens {
		if json.Valid([]byte(token)) { // of a call, not a SET
			lines = append(lines, token)
			continue
		}
		claims := e.claims(token)
		delete(claims, "aud") // the port of the test's peer
		line, err := json.Marshal(claims)
		if err != nil {
			e.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n") + "\n")
}

// claims are those of a compact token.
func (e *example) claims(token string) (claims map[string]any) {
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		e.Fatal(err)
	}
	return claims
}

// actions is what went out, without what only tells one run from another.
func (e *example) actions(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		e.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		var entry struct {
			Payload struct {
				Type    string          `json:"type"`
				Event   string          `json:"event"`
				Subject json.RawMessage `json:"subject"`
				Body    json.RawMessage `json:"body"`
				Txn     string          `json:"txn"`
				Rule    string          `json:"rule"`
			} `json:"payload"`
		}
		if err := json.Unmarshal(s.Bytes(), &entry); err != nil {
			e.Fatal(err)
		}
		line, err := json.Marshal(entry.Payload)
		if err != nil {
			e.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n") + "\n")
}
