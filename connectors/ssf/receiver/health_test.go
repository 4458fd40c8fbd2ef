package receiver

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// TestJudgeKeys: keys that could not be fetched anew degrade a feed once they are
// older than they should be, and blind it when nothing can be verified any more.
func TestJudgeKeys(t *testing.T) {
	began := time.Unix(1_790_000_000, 0)
	h := health{began: began, every: 10 * time.Minute}
	refused := errors.New("fetch key set https://idp.example.com/jwks: connection refused")
	for name, c := range map[string]struct {
		after  time.Duration
		keys   kind.KeyHealth
		status string
		says   string
	}{
		"in a file":                    {time.Hour, kind.KeyHealth{}, pipeline.FeedHealthy, ""},
		"not asked for yet":            {time.Hour, kind.KeyHealth{Late: true, Expired: true}, pipeline.FeedHealthy, ""},
		"old because nobody asked":     {9 * time.Hour, kind.KeyHealth{Fetched: began, Late: true, Expired: true}, pipeline.FeedHealthy, ""},
		"failed, and young":            {time.Minute, kind.KeyHealth{Fetched: began, Failed: refused}, pipeline.FeedHealthy, ""},
		"failed, and late":             {20 * time.Minute, kind.KeyHealth{Fetched: began, Failed: refused, Late: true}, pipeline.FeedDegraded, "connection refused"},
		"failed, and never there":      {time.Minute, kind.KeyHealth{Failed: refused, Late: true, Expired: true}, pipeline.FeedDegraded, "connection refused"},
		"failed for long, never there": {31 * time.Minute, kind.KeyHealth{Failed: refused, Late: true, Expired: true}, pipeline.FeedBlind, "nothing it sends can be verified"},
		"failed, and expired":          {2 * time.Hour, kind.KeyHealth{Fetched: began, Failed: refused, Late: true, Expired: true}, pipeline.FeedBlind, "connection refused"},
	} {
		status, reason := h.judge(began.Add(c.after), time.Time{}, time.Time{}, c.keys)
		if status != c.status || !strings.Contains(reason, c.says) || c.says == "" && reason != "" {
			t.Errorf("%s: %s %q, want %s with %q", name, status, reason, c.status, c.says)
		}
	}
}
