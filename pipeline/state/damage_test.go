package state_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
)

// damageEvents touch every kind of stored value.
func damageEvents(t testing.TB) []*event.Event {
	full := complexOf("user", jane, "device", laptop, "session", named("s1"))
	return []*event.Event{
		occurs(t, "session-presented", idp, full, 20, ""),
		occurs(t, "session-established", idp, named("s1"), 20, ""),
		occurs(t, "session-revoked", idp, jane, 20, ""),
		occurs(t, "risk-level-change", idp, full, 20, `{"principal":"USER","current_level":"LOW"}`),
		occurs(t, "device-compliance-change", mdm, full, 20, `{"previous_status":"compliant","current_status":"compliant"}`),
		occurs(t, "recovery-activated", idp, aliases(jane, janeID, janeTel), 20, ""),
		occurs(t, "identifier-changed", idp, jane, 20, `{"new-value":"jane.doe@example.com"}`),
		occurs(t, "identifier-recycled", idp, jane, 21, ""),
	}
}

// attempt takes an event through all steps and returns the first error.
func attempt(m *memory, e *event.Event) error {
	w := []state.Window{{Name: "w", Key: "user", Over: time.Hour, Count: "distinct", Of: "event.issuer"}}
	x, err := state.Resolve(m, e)
	if err != nil {
		return err
	}
	v, err := state.Load(m, x, e, state.LoadOptions{Needs: allNeeds, Windows: w, Links: true, Now: e.Time})
	if err != nil {
		return err
	}
	input := v.AppendInput(nil, e, allNeeds, e.Time)
	if !json.Valid(input) {
		return errors.New("input is no JSON: " + string(input))
	}
	return v.Apply(m, []state.Fact{{Rule: "r", Name: "n", Of: "user", Value: 1, TTL: time.Hour}})
}

// stored is a full state with every kind of key.
func stored(t testing.TB) map[string][]byte {
	m := newMemory(nil)
	for _, e := range damageEvents(t)[:6] {
		for range 12 {
			if err := attempt(m, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m.values
}

func TestDamagedValuesAreErrors(t *testing.T) {
	values := stored(t)
	kinds := map[string]bool{}
	for key, value := range values {
		kind, _, _ := strings.Cut(key, "/")
		kinds[kind] = true
		if kind == "l" {
			continue // a link is any key
		}
		for _, damage := range [][]byte{nil, {99}, {1}, value[:len(value)-1], append(slices.Clone(value), 0), append([]byte{9}, value[1:]...)} {
			m := newMemory(nil)
			m.values = maps.Clone(values)
			m.values[key] = damage
			var failed bool
			for _, e := range damageEvents(t) {
				err := attempt(m, e)
				failed = failed || err != nil && strings.Contains(err.Error(), key)
			}
			if !failed {
				t.Errorf("%s = %x: no event failed naming the key", key, damage)
			}
		}
	}
	for _, kind := range []string{"u", "uh", "us", "uf", "d", "dh", "s", "l", "w"} {
		if !kinds[kind] {
			t.Errorf("the story stores no %s/", kind)
		}
	}
}

func FuzzStored(f *testing.F) {
	values := stored(f)
	keys := slices.Sorted(maps.Keys(values))
	for i, key := range keys {
		f.Add(uint8(i), values[key])
	}
	f.Fuzz(func(t *testing.T, which uint8, value []byte) {
		m := newMemory(nil)
		m.values = maps.Clone(values)
		m.values[keys[int(which)%len(keys)]] = value
		for _, e := range damageEvents(t) {
			if err := attempt(m, e); err != nil && strings.HasPrefix(err.Error(), "input is no JSON") {
				t.Error(err)
			}
		}
	})
}

// TestReplay: the same events give the same bytes.
func TestReplay(t *testing.T) {
	events := damageEvents(t)
	run := func() map[string][]byte {
		m := newMemory(nil)
		for range 3 {
			for _, e := range events {
				if err := attempt(m, e); err != nil {
					t.Fatal(err)
				}
			}
		}
		return m.values
	}
	first, second := run(), run()
	for key := range first {
		if string(first[key]) != string(second[key]) {
			t.Errorf("%s differs", key)
		}
	}
	if len(first) != len(second) {
		t.Errorf("%d and %d keys", len(first), len(second))
	}
}
