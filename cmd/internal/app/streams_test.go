package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// TestStreams: what a signal causes reaches a receiver that polls, over a restart
// between hand-over and acknowledgement, and the product tells how its stream
// stands.
func TestStreams(t *testing.T) {
	s := newSite(t)
	s.configure(`
sink "ssf" "signals" {
  issuer    = "https://signals.example.com"
  authority = true
  receiver "app" {
    audience = ["https://app.example.com"]
    token    = "of-the-app-0123456789"
    stream "main" {
      poll {}
    }
  }
}
`)
	s.write("token", "of-the-app-0123456789")
	s.replace(`token    = "of-the-app-0123456789"`, `token    = file("token")`)
	s.replace(`to = ["out"]`, `to = ["signals"]`)
	a := s.openWith(app.Options{})
	if code, _ := offer(t, a, s.token("j-1", "jane@example.com")); code != http.StatusAccepted {
		t.Fatalf("push: %d", code)
	}
	poll := func(body string) (jtis []string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Addr()+"/ssf/signals/poll/app.main", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer of-the-app-0123456789")
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		var answer struct{ Sets map[string]string }
		if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(text, &answer) != nil {
			t.Fatalf("poll: %d %s %v", resp.StatusCode, text, err)
		}
		for jti := range answer.Sets {
			jtis = append(jtis, jti)
		}
		return jtis
	}
	first := poll(`{}`)
	if len(first) != 1 {
		t.Fatalf("polled %q", first)
	}
	if text := fetched(t, "http://"+a.MetricsAddr()+"/metrics"); !strings.Contains(text, `signalbox_stream_pending_sets{receiver="app",stream="app.main",target="signals"} 1`) {
		t.Error("the metrics do not know what waits for the receiver")
	}
	s.stop(a)
	a = s.openWith(app.Options{})
	again := poll(`{"ack":["` + first[0] + `"],"returnImmediately":true}`)
	req.True(t, "POLL-10", len(again) == 0, "acknowledged before, and offered again: %v", again)
}

func fetched(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
