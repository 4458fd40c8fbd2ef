package document

import (
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

func TestMappedFields(t *testing.T) {
	at := time.Date(2026, 2, 3, 10, 15, 0, 0, time.UTC)
	rec := &pipeline.Record{
		Kind: pipeline.InputRecord, At: at, Node: "n1",
		Input: &pipeline.InputPart{
			ID: "i-1", Source: "edr", Sender: "edr", Mapping: "crowdstrike", Delivery: "kafka", Position: "alerts/0@7",
			Received: at, Verdict: pipeline.Accepted, Assurance: event.Channel, Issuer: "edr", Body: "{}", SHA256: "00",
		},
		Outcomes: []pipeline.Outcome{{Event: pipeline.EventPart{
			ID: "e-1", Type: "alert", Family: "local", URI: event.LocalBase + "alert", Time: at, TimeSource: "record",
			Body:    []byte(`{"alert_id":"a1","severity":"high","title":"Bad"}`),
			Subject: []byte(`{"format":"email","email":"jane@example.com"}`),
			ECS: []byte(`{"observer":{"vendor":"CrowdStrike"},"user":{"name":"jane","email":"jane@example.com"},"event":{"id":"forged","action":"malware-detected","url":"https://edr.example.com/a1","sequence":1},
				"host":{"name":"lap-1","os":{"name":"Windows"}},"related":{"ip":["10.0.0.1"]},"process":{"pid":9007199254740993},
				"set":{"verified":true},"ssf":{"source":"forged"},"empty":{},"tags":["test-event"]}`),
		}}},
	}
	docs, err := Render(7, rec)
	if err != nil || len(docs) != 1 {
		t.Fatalf("Render: %d documents, %v", len(docs), err)
	}
	d := docs[0]
	if d.Stream != AlertStream {
		t.Errorf("stream is %s", d.Stream)
	}
	v, err := strictjson.Parse(d.JSON, strictjson.Limits{})
	if err != nil {
		t.Fatalf("not JSON: %v: %s", err, d.JSON)
	}
	for path, want := range map[string]string{
		"event.id": `"e-1"`, "event.action": `"malware-detected"`, "event.url": `"https://edr.example.com/a1"`,
		"user.name": `"jane@example.com"`, "message": `"CrowdStrike: high alert \"Bad\" for jane@example.com on lap-1"`,
		"event.severity": "73", "host.name": `"lap-1"`, "host.os.name": `"Windows"`, "process.pid": "9007199254740993",
		"related.ip": `["10.0.0.1"]`, "ssf.source": `"edr"`, "tags": `["test-event"]`, "alert.severity": `"high"`,
		"set.assurance": `"channel"`, "set.verified": "", "empty": "",
	} {
		if got := string(v.Get(strings.Split(path, ".")...).Raw()); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if got := string(v.Get("event", "sequence").Raw()); got != "458752" {
		t.Errorf("event.sequence is %s: a mapping must not set it", got)
	}
}
