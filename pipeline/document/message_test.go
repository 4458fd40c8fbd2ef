package document

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// TestMappedMessages: what an analyst reads of the records of other products.
func TestMappedMessages(t *testing.T) {
	for _, c := range []struct{ typ, body, ecs, want string }{
		{"alert", `{"alert_id":"1","severity":"high","title":"Mimikatz","disposition":"killed"}`, `{"host":{"name":"lt-0815"}}`, `acme: high alert "Mimikatz" on lt-0815 (killed)`},
		{"alert", `{"alert_id":"1","severity":"unknown","title":"Mimikatz","disposition":"unknown"}`, ``, `acme: alert "Mimikatz" of unknown severity`},
		{"alert", `{"alert_id":"1","severity":"low","verdict":"false_positive"}`, ``, `acme: low alert "without a title" (false positive)`},
		{"activity", `{"action":"sign-in","outcome":"failure","source_ip":"203.0.113.7"}`, ``, `acme: sign-in failure from 203.0.113.7`},
		{"posture", `{"status":"not-compliant","failed_checks":["disk encryption","firewall"]}`, ``, `acme: posture not-compliant (disk encryption, firewall)`},
		{"risk-level-change", `{"principal":"USER","previous_level":"LOW","current_level":"HIGH"}`, ``, `acme: user risk LOW→HIGH`},
		{"risk-level-change", `{"principal":"USER","current_level":"HIGH"}`, ``, `acme: user risk HIGH`},
		{"session-revoked", `{"reason_admin":{"en":"left"}}`, ``, `acme: session revoked (left)`},
	} {
		in := input()
		in.Mapping, in.Assurance, in.Issuer = "acme", event.Channel, "acme"
		r := &pipeline.Record{Kind: pipeline.InputRecord, At: in.Received, Input: in, Outcomes: []pipeline.Outcome{{Event: pipeline.EventPart{
			ID: "e-1", Type: c.typ, Family: "local", URI: event.LocalBase + c.typ, Time: in.Received, TimeSource: "record",
			Body: json.RawMessage(c.body), ECS: json.RawMessage(c.ecs), Applied: []string{"unknown-value:severity", "unknown-value:state"},
		}}}}
		var d struct {
			Message string
			Tags    []string
		}
		if err := json.Unmarshal(render(t, r)[0].JSON, &d); err != nil {
			t.Fatal(err)
		}
		ids := ""
		if c.typ == "risk-level-change" {
			ids = "EVT-15"
		}
		req.Equal(t, ids, d.Message, c.want)
		if !slices.Equal(d.Tags, []string{"unknown-value"}) {
			t.Errorf("tags %q", d.Tags)
		}
	}
}
