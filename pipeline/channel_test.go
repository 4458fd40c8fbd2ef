package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// severities is a mapping that makes an alert of each record with a severity.
type severities struct{}

func (severities) Normalize(_ context.Context, s pipeline.Signal) ([]event.Event, error) {
	if !s.Record.Get("severity").Exists() {
		return nil, &pipeline.RejectError{Code: pipeline.Unmapped, Description: "no severity"}
	}
	typ, _ := event.ByName("session-revoked")
	subject, err := event.ParseKey(s.Record.Get("who").Text())
	if err != nil {
		return nil, err
	}
	return []event.Event{{
		ID: pipeline.EventID(s.InputID, 0), Type: typ, URI: typ.URI, Source: s.Message.Source, Issuer: s.Issuer,
		Assurance: s.Assurance, Time: s.Message.Received, TimeSource: "received", Received: s.Message.Received,
		Txn: s.Txn, Subject: subject, Body: s.Record, ECS: s.Record.Get("ecs").Raw(),
	}}, nil
}

// withChannel gives the rig a source "edr" whose records are read by the
// mapping "severities".
func withChannel(r *rig) {
	r.settings.Verifier = pipeline.Channels{Tokens: pipelinetest.Plain{}}
	r.settings.Normalizer = pipeline.Records{Tokens: pipeline.Statements{}, Mapping: func(name string) (pipeline.Normalizer, bool) {
		return severities{}, name == "severities"
	}}
	r.settings.Remits["edr"] = pipeline.Remit{Events: []string{"*"}, Subjects: []string{"*"}, Actions: []string{"*"}}
}

const partition = "alerts/0"

func (r *rig) alert(offset int64, body string) pipeline.Message {
	return pipeline.Message{
		Source: "edr", Sender: "edr", Mapping: "severities", Body: []byte(body), Received: r.now(), Delivery: "kafka",
		Position: fmt.Sprintf("%s@%d", partition, offset),
		Progress: &pipeline.Progress{Partition: partition, From: offset, Offset: offset},
	}
}

const bad = `{"severity":"high","who":"email:jane@example.com","ecs":{"host":{"name":"lap-1"}}}`

func (r *rig) resume(start int64) int64 {
	r.t.Helper()
	next, err := r.Resume(context.Background(), "edr", partition, start)
	if err != nil {
		r.t.Fatal(err)
	}
	return next
}

func TestChannel(t *testing.T) {
	r := newRig(t, nil, withChannel)
	if next := r.resume(5); next != 5 {
		t.Fatalf("a new partition begins at %d", next)
	}
	rec := r.accept(r.alert(5, bad))
	if e := rec.Outcomes[0].Event; string(e.ECS) != `{"host":{"name":"lap-1"}}` || rec.Input.Assurance != event.Channel || rec.Input.Mapping != "severities" {
		t.Errorf("recorded as %s, assurance %s, mapping %s", e.ECS, rec.Input.Assurance, rec.Input.Mapping)
	}
	if len(rec.Actions) != 1 || rec.Actions[0].Status != pipeline.Queued {
		t.Errorf("actions: %+v", rec.Actions)
	}
	if next := r.resume(0); next != 6 {
		t.Errorf("after offset 5 the partition goes on at %d", next)
	}
	before := len(r.records())
	if v := r.handle(r.alert(5, bad))[0].Verdict; v != pipeline.Repeated {
		t.Errorf("the same position again is %s", v)
	}
	if after := len(r.records()); after != before {
		t.Errorf("a repeat wrote %d records", after-before)
	}
}

// Every record of a channel read by position is accounted for: nobody will
// offer it again.
func TestChannelRefusals(t *testing.T) {
	r := newRig(t, nil, withChannel)
	r.resume(0)
	poison := []string{
		`{"severity":`, `{"severity":"a","severity":"b"}`, `{"other":1}`, strings.Repeat("[", 100), "\xff", ``,
		`{"pad":"` + strings.Repeat("x", pipeline.RecordLimits.Bytes) + `"}`,
	}
	for i, body := range poison {
		m := r.alert(int64(i), body)
		got := r.handle(m)[0]
		if got.Verdict != pipeline.Rejected || got.Seq == 0 {
			t.Errorf("%.20q: %s at %d, want a recorded rejection", body, got.Verdict, got.Seq)
			continue
		}
		if kept := r.record(got.Seq).Input.Raw(); string(kept) != body {
			t.Errorf("%.20q is kept as %.20q", body, kept)
		}
	}
	if next := r.resume(0); next != int64(len(poison)) {
		t.Errorf("the partition stands at %d after %d refusals", next, len(poison))
	}
	m := r.alert(100, bad)
	m.Sender = ""
	if got := r.handle(m)[0]; got.Reject == nil || got.Reject.Code != pipeline.AccessDenied {
		t.Errorf("a record nobody stands behind: %+v", got)
	}
	m = r.alert(101, bad)
	m.Mapping = "gone"
	if got := r.handle(m)[0]; got.Reject == nil || got.Reject.Code != pipeline.Unmapped {
		t.Errorf("a record whose mapping is not there: %+v", got)
	}
}

func TestChannelLines(t *testing.T) {
	for body, want := range map[string]string{
		`{"a":1}`:                    `{"a":1}`,
		"{\"a\":1}\n\n{\"a\":2}\r\n": `[{"a":1},{"a":2}]`,
		"{\n\"a\":1\n}":              "{\n\"a\":1\n}",
		"{\"a\":1}\nnot json":        "",
		"\ufeff{\"a\":1}":            `{"a":1}`,
		"\ufeff{\"a\":1}\n{\"a\":2}": `[{"a":1},{"a":2}]`,
		"\ufeff\ufeff{\"a\":1}":      "",
	} {
		s, err := pipeline.Channels{}.Verify(context.Background(), pipeline.Message{Source: "edr", Sender: "edr", Mapping: "m", Body: []byte(body)})
		if got := string(s.Record.Raw()); got != want || (err == nil) != (want != "") {
			t.Errorf("%q read as %q, %v", body, got, err)
		}
	}
}

// Positions may be done out of order, hold nothing, or be refused for now.
func TestProgress(t *testing.T) {
	r := newRig(t, nil, withChannel)
	if got := r.handle(r.alert(3, bad))[0]; got.Retry == nil {
		t.Errorf("a partition that was not resumed is handled: %+v", got)
	}
	r.resume(3)
	at := func(from, offset int64) pipeline.Message {
		m := r.alert(offset, bad)
		m.Progress.From = from
		return m
	}
	r.handle(at(7, 9))
	if next := r.resume(0); next != 3 {
		t.Errorf("with a gap the partition stands at %d, want 3", next)
	}
	r.handle(at(3, 3), at(10, 10))
	if next := r.resume(0); next != 4 {
		t.Errorf("the partition stands at %d, want 4", next)
	}
	if got := r.handle(at(7, 9), at(10, 10)); got[0].Verdict != pipeline.Repeated || got[1].Verdict != pipeline.Repeated {
		t.Errorf("done positions above the gap: %v", got)
	}
	r.handle(at(4, 6))
	if next := r.resume(0); next != 11 {
		t.Errorf("with the gap closed the partition stands at %d, want 11", next)
	}
	later := errors.New("keys out of reach")
	r.settings.Verifier = verifying(func(ctx context.Context, m pipeline.Message) (pipeline.Signal, error) {
		if m.Progress.Offset == 12 {
			return pipeline.Signal{}, later
		}
		return pipeline.Channels{}.Verify(ctx, m)
	})
	r.Use(r.settings)
	got := r.handle(at(11, 11), at(12, 12), at(13, 13))
	if got[1].Retry == nil || got[0].Verdict != pipeline.Accepted || got[2].Verdict != pipeline.Accepted {
		t.Errorf("receipts: %+v", got)
	}
	if next := r.resume(0); next != 12 {
		t.Errorf("the partition stands at %d beside what must be offered again, want 12", next)
	}
}

// What a lost or conflicting commit leaves open is done once.
func TestProgressUnderFaults(t *testing.T) {
	lose := true
	s := store.NewMemory(store.Options{}, store.Faults{
		ConflictEvery: 3,
		LoseCommit: func(n int) error {
			if n == 4 && lose {
				lose = false
				return errors.New("answer lost")
			}
			return nil
		},
	})
	r := newRig(t, s, withChannel)
	r.resume(0)
	accepted := 0
	for offset := int64(0); offset < 20; offset++ {
		for {
			got, err := r.Handle(context.Background(), []pipeline.Message{r.alert(offset, bad)})
			if err != nil {
				continue
			}
			if got[0].Verdict == pipeline.Accepted {
				accepted++
			}
			break
		}
	}
	if lose || accepted != 19 {
		t.Errorf("%d accepted (lost: %t), want 19 and one whose answer was lost", accepted, !lose)
	}
	inputs := 0
	for _, rec := range r.records() {
		if rec.Kind == pipeline.InputRecord {
			inputs++
		}
	}
	if next := r.resume(0); next != 20 || inputs != 20 {
		t.Errorf("%d records, partition at %d, want 20 and 20", inputs, next)
	}
}

// verifying is a Verifier made of a function.
type verifying func(context.Context, pipeline.Message) (pipeline.Signal, error)

func (f verifying) Verify(ctx context.Context, m pipeline.Message) (pipeline.Signal, error) {
	return f(ctx, m)
}
