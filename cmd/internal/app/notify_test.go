package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestNotify: a chat that refuses at first is told what waits for a person and
// what to type, once each, and the audit stream says so.
func TestNotify(t *testing.T) {
	texts := make(chan string, 100)
	var told atomic.Bool
	chat := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "Bearer "+testSecret || r.Header.Get("Idempotency-Key") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if !told.Swap(true) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		texts <- string(body)
	}))
	defer chat.Close()
	s := newSite(t)
	s.write("chat.authorization", "Bearer "+testSecret)
	s.configure(fmt.Sprintf(`
sink "http" "chat" {
  url           = %q
  authorization = file("chat.authorization")
  allow_private = true
}
notify "chat" {
  on     = ["actions-stopped", "approval-waiting"]
  gather = "0s"
}
`, chat.URL+"/hook/"+testSecret))
	a := s.open()
	client := api.Dial(filepath.Join(s.dir, "data"))
	if _, err := client.StopActions(t.Context(), api.OperatorRequest{By: "ana", Comment: "drill"}); err != nil {
		t.Fatal(err)
	}
	next := func() string {
		select {
		case text := <-texts:
			return text
		case <-time.After(pipelinetest.Patience):
			t.Fatal("nothing was told")
			return ""
		}
	}
	if got := next(); got != `{"text":"[high] all actions were stopped by ana\ndrill\nNext: signalbox stop-actions --resume"}` {
		t.Errorf("told %s", got)
	}
	if code, body := push(t, a, s.token("jti-1", "jane@example.com")); code != http.StatusAccepted {
		t.Fatalf("push: %d %s", code, body)
	}
	var said struct{ Text string }
	if err := json.Unmarshal([]byte(next()), &said); err != nil || !strings.Contains(said.Text, "for jane@example.com waits for approval (rule") || !strings.Contains(said.Text, "\nNext: signalbox action show a-") {
		t.Errorf("told %q, %v", said.Text, err)
	}
	settled(t, a)
	audits := func() (failed, sent []string) {
		answer, err := client.Query(t.Context(), api.QueryRequest{Query: "event.dataset:ssf.audit AND event.action:notify"})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range answer.Docs {
			if text := string(d); strings.Contains(text, `"outcome":"failure"`) {
				failed = append(failed, text)
			} else {
				sent = append(sent, text)
			}
		}
		return failed, sent
	}
	// What became of the second notice is written down a moment after it was taken.
	var failed, sent []string
	for late := time.Now().Add(pipelinetest.Patience); len(sent) < 2 && time.Now().Before(late); failed, sent = audits() {
		settled(t, a)
	}
	if len(failed) != 1 || len(sent) != 2 || !strings.Contains(failed[0], "503") {
		t.Errorf("audit documents %v and %v", failed, sent)
	}
	if slices.ContainsFunc(append(failed, sent...), func(s string) bool { return strings.Contains(s, testSecret) }) {
		t.Error("an audit document shows the secret")
	}
}

// TestNotifyStreamDead: people are told of a receiver that takes nothing from its
// stream, and of a transmitter that sends nothing.
func TestNotifyStreamDead(t *testing.T) {
	texts := make(chan string, 100)
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var said struct{ Text string }
		if json.NewDecoder(r.Body).Decode(&said) == nil {
			texts <- said.Text
		}
	}))
	defer chat.Close()
	next := func(patterns ...string) {
		t.Helper()
		select {
		case text := <-texts:
			for _, p := range patterns {
				if !regexp.MustCompile(p).MatchString(text) {
					t.Errorf("told %q, want %s", text, p)
				}
			}
		case <-time.After(pipelinetest.Patience):
			t.Fatal("nothing was told")
		}
	}
	tx := pipelinetest.NewTransmitter(t)
	s := newSite(t)
	s.write("management.secret", "Bearer management")
	s.write("app.token", "of-the-app-0123456789")
	s.configure(received(tx.URL, tx.URL+"/jwks.json", tx.Audience, "") + fmt.Sprintf(`
sink "http" "chat" {
  url           = %q
  allow_private = true
}
sink "ssf" "signals" {
  issuer = "https://signals.example.com"
  receiver "app" {
    audience = ["https://app.example.com"]
    token    = file("app.token")
    stream "main" {
      poll {}
    }
  }
}
notify "chat" {
  on     = ["stream-dead"]
  gather = "0s"
}
`, chat.URL))
	var ahead atomic.Int64
	s.openWith(app.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	until(t, "a stream", func() bool { return len(tx.Streams()) == 1 })
	id := tx.Streams()[0]
	tx.SetStatus(id, "paused")
	tx.Tell(t, id, "updated", "stream-updated", "opaque:"+id, `{"status":"paused","reason":"maintenance"}`)
	next(`^\[high\] a source fell silent: tx: the transmitter has paused the stream`, `(?m)^Next: signalbox status$`)

	client := api.Dial(filepath.Join(s.dir, "data"))
	if _, err := client.Emit(t.Context(), api.EmitRequest{
		By: "ana", Event: "session-revoked", Subject: json.RawMessage(`{"format":"email","email":"jane@example.com"}`),
	}); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(16 * time.Minute))                                                                                                          // beyond dead_after
	if _, err := client.SetReceiverStatus(t.Context(), api.ReceiverStatusRequest{By: "ana", Stream: "app.main", Status: "enabled"}); err != nil { // the streams are looked after
		t.Fatal(err)
	}
	next(`^\[high\] a stream to a receiver stands still: app.main of receiver app at signals: its receiver takes nothing, 1 SET waits, the oldest since`,
		`(?m)^Next: signalbox receivers list$`)
}
