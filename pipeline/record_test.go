package pipeline

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// fill sets every field of a value to something that is not zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 2, 3, 10, 15, 4, 123456789, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(`{"raw":["<&>",1.50]}`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf("v"))
	case reflect.String:
		v.SetString("text \"<>&\" \u2028 \x01 é")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(7)
	case reflect.Interface:
		v.Set(reflect.ValueOf("any"))
	default:
		panic("fill: " + v.Kind().String())
	}
}

// TestRecordJSON proves that the hand-written form loses no field: what was
// appended decodes to the same record.
func TestRecordJSON(t *testing.T) {
	var full Record
	fill(reflect.ValueOf(&full).Elem())
	full.Kind = InputRecord
	for name, want := range map[string]*Record{
		"full":     &full,
		"empty":    {Kind: RejectRecord},
		"operator": {Kind: OperatorRecord, At: full.At, Operator: full.Operator},
		"delivery": {Kind: DeliveryRecord, At: full.At, Actions: full.Actions},
		"input":    {Kind: InputRecord, At: full.At, Input: &InputPart{ID: "i-1"}, Outcomes: []Outcome{{}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got Record
			text := want.AppendJSON(nil)
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if !reflect.DeepEqual(&got, want) {
				t.Errorf("another record after decoding:\n%s", text)
			}
		})
	}
}

// TestStatuses holds the one table to its rules: every transition leads to a
// known status of higher rank, except back from a pause between tries.
func TestStatuses(t *testing.T) {
	for s, row := range statuses {
		if row.final && s != Dead && s != Acked && len(row.next) > 0 {
			t.Errorf("%s is final and goes on to %v", s, row.next)
		}
		for _, n := range row.next {
			if _, ok := statuses[n]; !ok {
				t.Errorf("%s goes on to unknown status %q", s, n)
			}
			again := s == Failed || s == Done || s == Dead
			if n.Rank() < s.Rank() && !again {
				t.Errorf("%s (%d) goes back to %s (%d)", s, s.Rank(), n, n.Rank())
			}
			if !s.May(n) {
				t.Errorf("May does not know %s to %s", s, n)
			}
		}
	}
	if Acked.May(Queued) || Proposed.May(Acked) {
		t.Error("a transition is allowed that the table does not list")
	}
}

func TestIDs(t *testing.T) {
	input := SETInputID("https://idp.example.com", "jti-1")
	ev := EventID(input, 0)
	for _, c := range []struct{ name, a, b string }{
		{"issuer and jti do not run together", SETInputID("ab", "c"), SETInputID("a", "bc")},
		{"index", EventID(input, 0), EventID(input, 1)},
		{"lane", DecisionID(ev, ""), DecisionID(ev, "shadow")},
		{"key", ActionID(ev, "r", "t", "s", "", ""), ActionID(ev, "r", "t", "s", "k", "")},
		{"sink", TokenID("a-1", "x"), TokenID("a-1", "y")},
		{"record and set", recordInputID("https://idp.example.com", "jti-1"), input},
	} {
		if c.a == c.b {
			t.Errorf("%s: both are %s", c.name, c.a)
		}
	}
	if got := DecisionID(ev, ""); got[2:] != ev[2:] || len(got) != 28 {
		t.Errorf("decision %s of event %s", got, ev)
	}
}
