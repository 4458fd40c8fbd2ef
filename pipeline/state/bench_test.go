package state_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
)

// BenchmarkStep takes events of a known user through all steps over a map.
func BenchmarkStep(b *testing.B) {
	session := func(id string) string { return complexOf("user", jane, "session", named(id)) }
	kinds := []struct {
		name, kind, body string
		who              func(i int) string
	}{
		{"risk", "risk-level-change", `{"principal":"USER","current_level":"HIGH","risk_reason":"travel","event_timestamp":1767225600}`,
			func(int) string { return jane }},
		{"credential", "credential-change", `{"credential_type":"fido2-roaming","change_type":"create","friendly_name":"key"}`,
			func(int) string { return jane }},
		{"compliance", "device-compliance-change", `{"previous_status":"compliant","current_status":"not-compliant"}`,
			func(int) string { return complexOf("user", jane, "device", laptop) }},
		{"established", "session-established", `{"acr":"AAL2","amr":["pwd","otp"],"fp_ua":"8a7d"}`,
			func(i int) string { return session(fmt.Sprint("s", i)) }},
		{"presented", "session-presented", ``, func(i int) string { return session(fmt.Sprint("s", i%5)) }},
	}
	for _, k := range kinds {
		for _, needs := range []struct {
			name string
			set  state.Needs
		}{{"none", 0}, {"account+risk", state.NeedUserAccount | state.NeedUserRisk}, {"all", allNeeds}} {
			b.Run(k.name+"/"+needs.name, func(b *testing.B) {
				m := newMemory(nil)
				m.t = b
				for i := range 8 {
					m.take(occurs(b, "session-established", idp, session(fmt.Sprint("s", i)), i, `{"acr":"AAL2"}`))
				}
				for i := range 40 {
					m.take(occurs(b, "recovery-activated", idp, complexOf("user", jane, "device", laptop), i, ""))
				}
				m.t = nil
				events := make([]*event.Event, 64)
				for i := range events {
					events[i] = occurs(b, k.kind, idp, k.who(i), 100+i, k.body)
				}
				written := 0
				w := counting{m, &written}
				buf := make([]byte, 0, 1<<16)
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					e := *events[i%len(events)]
					e.Time = e.Time.Add(time.Duration(i/len(events)) * time.Minute)
					e.Received = e.Time
					x, _ := state.Resolve(m, &e)
					_ = x.Locks(&e, nil)
					v, err := state.Load(m, x, &e, state.LoadOptions{Needs: needs.set, Links: true, Now: e.Time})
					if err != nil {
						b.Fatal(err)
					}
					if needs.set != 0 {
						buf = v.AppendInput(buf[:0], &e, needs.set, e.Time)
					}
					if err := v.Apply(w, nil); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(written)/float64(b.N), "stored-B/op")
			})
		}
	}
}

// counting counts the bytes written.
type counting struct {
	*memory
	n *int
}

func (c counting) Put(key string, value []byte) {
	*c.n += len(key) + len(value)
	c.memory.Put(key, value)
}
