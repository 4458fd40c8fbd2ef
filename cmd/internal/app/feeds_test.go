package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/cmd/internal/backup"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// received are the blocks of an issuer and of the source "tx" that has a stream
// there; keys is where its key set is, and more stands in the source.
func received(issuer, keys, audience, more string) string {
	return fmt.Sprintf(`
issuer %[1]q {
  jwks     = %[2]q
  audience = [%[3]q]
  remit {
    events   = ["*"]
    subjects = ["*"]
    actions  = ["*"]
  }
}
source "ssf" "tx" {
  issuer        = %[1]q
  transmitter   = %[1]q
  authorization = file("management.secret")
  allow_private = true
  stream { verify_every = "1m" }
  %[4]s
}
`, issuer, keys, audience, more)
}

// transmitted makes the configuration poll a transmitter.
func (s *site) transmitted(tx *pipelinetest.Transmitter) {
	s.write("management.secret", "Bearer management")
	s.configure(received(tx.URL, tx.URL+"/jwks.json", tx.Audience, ""))
}

// find searches the index, once it has taken everything.
func (s *site) find(a *app.App, text string) (docs []string) {
	s.t.Helper()
	settled(s.t, a)
	q, err := query.Parse(text)
	if err != nil {
		s.t.Fatal(err)
	}
	page, err := a.Searcher().Search(s.t.Context(), q, query.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range page.Docs {
		docs = append(docs, string(d.JSON))
	}
	return docs
}

// TestPolledFeed takes tokens from a transmitter into the index, asks for
// verification and knows the answer, refuses a state it did not ask for, and
// loses and doubles nothing over a restart.
func TestPolledFeed(t *testing.T) {
	tx := pipelinetest.NewTransmitter(t)
	tx.Token = "management"
	s := newSite(t)
	s.transmitted(tx)
	a := s.open()
	until(t, "a stream", func() bool { return len(tx.Streams()) == 1 })
	id := tx.Streams()[0]
	tx.Tell(t, id, "jti-1", "session-revoked", "jane@example.com", `{"event_timestamp":1764057600}`)
	tx.Tell(t, id, "jti-2", "verification", "opaque:"+id, `{"state":"nobody asked"}`)
	tx.Tell(t, id, "jti-3", "verification", "opaque:"+id, `{}`)
	token, err := tx.Sign("inner", "session-revoked", "joe@example.com", `{}`)
	if err != nil {
		t.Fatal(err)
	}
	tx.Offer(id, "outer", token)
	tx.Offer(id, "garbage", "no.token")
	until(t, "every token settled", func() bool {
		return len(tx.Refused(id)) == 3 && strings.Contains(fmt.Sprint(tx.Acked(id)), "jti-3") && strings.Contains(fmt.Sprint(tx.Acked(id)), "verification-")
	})
	req.True(t, "INTEROP-12 INTEROP-13 INTEROP-16", strings.Contains(fmt.Sprint(tx.Acked(id)), "jti-1"), "acknowledged %q", tx.Acked(id))
	req.Equal(t, "SSF-RX-25 SSF-RX-26", tx.Refused(id)["jti-2"], "invalid_state")
	req.Equal(t, "POLL-19 POLL-22", tx.Refused(id)["outer"]+" "+tx.Refused(id)["garbage"], "invalid_request invalid_request")
	req.True(t, "SSF-RX-28", !strings.Contains(fmt.Sprint(tx.Refused(id)), "jti-3"), "one without state was refused")
	until(t, "the round trip in the figures", func() bool {
		text := scrape(t, a.MetricsAddr())
		m := regexp.MustCompile(`signalbox_feed_last_verification_timestamp_seconds\{source="tx"\} (\S+)`).FindStringSubmatch(text)
		return m != nil && m[1] != "0" && strings.Contains(text, `signalbox_feed_health{source="tx"} 0`)
	})
	s.stop(a)

	tx.Tell(t, id, "jti-4", "session-revoked", "jane@example.com", `{"event_timestamp":1764057601}`)
	tx.Tell(t, id, "jti-1", "session-revoked", "jane@example.com", `{"event_timestamp":1764057600}`) // once more
	a = s.open()
	until(t, "the rest settled", func() bool {
		return strings.Count(fmt.Sprint(tx.Acked(id)), "jti-1") >= 2 && strings.Contains(fmt.Sprint(tx.Acked(id)), "jti-4")
	})
	if n := len(s.find(a, `set.event_name:session-revoked AND set.verdict:accepted`)); n != 2 {
		t.Errorf("%d events in the index, want 2", n)
	}
	if len(s.find(a, `set.event_name:verification`)) == 0 {
		t.Error("no verification event in the index")
	}
	if n := len(tx.Streams()); n != 1 {
		t.Errorf("%d streams after a restart", n)
	}
}

// TestBlindFeed: what the transmitter says of its stream becomes an event that
// rules see, a document and a notice.
func TestBlindFeed(t *testing.T) {
	tx := pipelinetest.NewTransmitter(t)
	s := newSite(t)
	s.write("rules/signals/feed.rego", `# METADATA
# title: A feed that went blind is written down
# description: For the test.
# custom:
#   on: [feed-health]
#   needs: []
#   mode: enforce
#   severity: high
package signals.feed

notes contains "blind, keys known" if {
	input.event.body.status == "blind"
	input.event.body.keys_fetched > 0
}
`)
	s.transmitted(tx)
	a := s.open()
	until(t, "a stream", func() bool { return len(tx.Streams()) == 1 })
	id := tx.Streams()[0]
	fetched := regexp.MustCompile(`signalbox_feed_keys_fetched_timestamp_seconds\{source="tx"\} 1\.`)
	until(t, "the keys in the figures, fetched for a verification event", func() bool { return fetched.MatchString(scrape(t, a.MetricsAddr())) })
	tx.SetStatus(id, "paused")
	tx.Tell(t, id, "updated", "stream-updated", "opaque:"+id, `{"status":"paused","reason":"maintenance"}`)
	until(t, "blindness in the figures", func() bool {
		return strings.Contains(scrape(t, a.MetricsAddr()), `signalbox_feed_health{source="tx"} 2`)
	})
	// What it was before may have an event of its own.
	var docs string
	until(t, "the event in the index", func() bool {
		docs = strings.Join(s.find(a, `set.event_name:feed-health`), "\n")
		return strings.Contains(docs, `blind`)
	})
	req.True(t, "SSF-RX-21", strings.Contains(docs, "paused"), "documents %s", docs)
	until(t, "the figures of the feed in the index", func() bool {
		return len(s.find(a, `feed.status:blind AND feed.source:tx AND feed.keys_fetched:>=now-1h AND feed.waiting:* AND feed.clock_offset:*`)) > 0
	})
	until(t, "what the rule wrote down", func() bool { return len(s.find(a, `policy.reasons:"blind, keys known"`)) > 0 })
	if code, body := get(t, a, "/readyz"); code != http.StatusOK {
		t.Errorf("readyz: %d %s", code, body)
	}
}

// TestFeedFromBackup: a restored product goes on with the stream it had.
func TestFeedFromBackup(t *testing.T) {
	tx := pipelinetest.NewTransmitter(t)
	s := newSite(t)
	s.transmitted(tx)
	a := s.open()
	until(t, "a stream", func() bool { return len(tx.Streams()) == 1 })
	data := filepath.Join(s.dir, "data")
	until(t, "it is remembered", func() bool {
		text, err := os.ReadFile(filepath.Join(data, "streams", "tx.json"))
		return err == nil && strings.Contains(string(text), tx.Streams()[0])
	})
	dir := filepath.Join(t.TempDir(), "backup")
	m, err := api.Dial(data).Backup(t.Context(), api.BackupRequest{Dir: dir, By: "ana"}, func(string, int64, int64) {})
	if err != nil || m.Streams() != 1 {
		t.Fatalf("%+v, %v", m, err)
	}
	s.stop(a)
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(t.Context(), backup.RestoreOptions{Dir: dir, DataDir: data, By: "ana", Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	listed := len(tx.Asked("GET", "/streams"))
	s.open()
	id := tx.Streams()[0]
	tx.Tell(t, id, "jti-after", "session-revoked", "jane@example.com", `{"event_timestamp":1764057600}`)
	until(t, "a token after the restore", func() bool { return strings.Contains(fmt.Sprint(tx.Acked(id)), "jti-after") })
	if n := len(tx.Streams()); n != 1 {
		t.Errorf("%d streams", n)
	}
	for _, asked := range tx.Asked("GET", "/streams")[listed:] {
		if !strings.Contains(asked.Query, "stream_id="+id) {
			t.Errorf("asked for all streams, though one was remembered: %+v", asked)
		}
	}
}
