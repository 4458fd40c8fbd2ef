package config

import (
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// TestNotify: defaults, and what the bodies of notices look like.
func TestNotify(t *testing.T) {
	cfg, list := Parse("config.hcl", ".", []byte(`
sink "http" "chat" { url = "https://chat.example.com/hook" }
sink "http" "pager" { url = "https://pager.example.com/v2" }
notify "chat" { on = ["dead-letter"] }
notify "pager" {
  on       = ["approval-waiting", "budget-filling"]
  rules    = ["threat_alert"]
  severity = "high"
  gather   = "0s"
  every    = "1h"
  body     = {
    summary = upper(notice.text)
    count   = notice.count
    first   = notice.first
    nothing = null
  }
}
`), testEnv)
	for _, d := range list {
		t.Errorf("%s: %s", d.At(), d.Summary)
	}
	if len(cfg.Notify) != 2 {
		t.Fatalf("%d notifiers", len(cfg.Notify))
	}
	chat, pager := cfg.Notify[0], cfg.Notify[1]
	if chat.Gather != 5*time.Second || chat.Every != 10*time.Minute || chat.Severity != "" || len(chat.Rules) > 0 || chat.Body.String() != "" {
		t.Errorf("defaults %+v", chat)
	}
	if pager.Gather != 0 || pager.Every != time.Hour || pager.Severity != "high" || len(pager.On) != 2 || pager.Body.String() == "" {
		t.Errorf("notifier %+v", pager)
	}
	n := pipeline.Notice{
		Kind: pipeline.DeadLetter, Severity: "high", Summary: "revoke-session for jane came to nothing at app", Detail: "410: \"gone\"",
		Count: 3, Command: "signalbox action list", First: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
	for _, c := range []struct {
		body *NoticeBody
		want string
	}{
		{chat.Body, `{"text":"[high] revoke-session for jane came to nothing at app, and 2 more\n410: \"gone\"\nNext: signalbox action list"}`},
		{pager.Body, `{"count":3,"first":"2026-03-01T12:00:00Z","summary":"REVOKE-SESSION FOR JANE CAME TO NOTHING AT APP, AND 2 MORE"}`},
	} {
		if got, err := c.body.Render(n); err != nil || string(got) != c.want {
			t.Errorf("body %s, %v\nwant %s", got, err, c.want)
		}
	}
	unknown := cfg.UnknownNotifyRules([]string{"threat_alerts"})
	if len(unknown) != 1 || unknown[0].At() != "config.hcl:7:15" {
		t.Errorf("unknown rules %v", unknown)
	}
}
