package mappings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/mappings"
)

// TestWorkIsBounded: a producer who makes a record as large and as repetitive as
// it may be, and an author who thought of small ones, make no work without end.
func TestWorkIsBounded(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	short := strings.TrimSuffix(strings.Repeat("1,", 20_000), ",")
	var ids strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&ids, `"%05d",`, i)
	}
	var parts []string
	for i := range 20 {
		var part strings.Builder
		for n := range 1000 {
			fmt.Fprintf(&part, `,"k%05d":1`, 1000*i+n)
		}
		parts = append(parts, `{"id":"1"`+part.String()+"}")
	}
	record := fmt.Sprintf(`{"parts":[`+strings.Join(parts, ",")+`],"big":"%s","bigs":["%[1]s"],"many":[%s],"ids":[%s]}`, big, short, strings.TrimSuffix(ids.String(), ","))
	for name, expression := range map[string]string{
		"template":          `[for x in raw.many : "${raw.big}${x}"]`,
		"text of a local":   `[for x in raw.many : local.big]`,
		"text of a loop":    `[for y in [raw.big] : [for x in raw.many : y]]`,
		"list of lists":     `[for x in raw.many : raw.many]`,
		"list in a list":    `[for x in raw.many : raw.bigs[*]]`,
		"last of a list":    `[for x in raw.many : length(last(raw.bigs))]`,
		"merge_by":          `merge_by(raw.parts, "id")`,
		"join":              `join(raw.big, raw.many)`,
		"replace":           `replace(raw.big, "x", raw.big)`,
		"contains":          `[for x in raw.many : contains(local.big, "y", "z")]`,
		"contains of lists": `starts_with(raw.ids, [for x in raw.many : "y"])`,
		"regex":             `[for x in raw.many : regex("(x|y)*z", local.big)]`,
		"equal":             `[for x in raw.many : local.big == raw.big]`,
		"object":            `{ for x in raw.ids : x => 1 }`,
		"groups":            `{ for x in raw.ids : x => 1... }`,
		"element":           `[for x in raw.many : raw.ids[19999]]`,
	} {
		t.Run(name, func(t *testing.T) {
			m, diags := mappings.Parse("try.hcl", fmt.Appendf(nil, `mapping "try" {
  title  = "t"
  vendor = "v"
  locals {
    big  = raw.big
    made = %s
  }
  event "alert" {
    body = { alert_id = "1", severity = "low" }
    ecs  = { vendor = { v = local.made } }
  }
}`, expression))
			if m == nil {
				t.Fatal(diags)
			}
			out, err := m.Try([]byte(record), noon)
			if err != nil || !strings.Contains(out.Unmapped, "more work than") {
				t.Errorf("makes %d events, %.100s, %v", len(out.Events), out.Unmapped, err)
			}
		})
	}
}

// TestEventsAreBounded: what a record says once is not stored once for each
// element of its lists.
func TestEventsAreBounded(t *testing.T) {
	m, diags := mappings.Parse("try.hcl", []byte(`mapping "try" {
  title  = "t"
  vendor = "v"
  event "alert" {
    each = raw.many
    body = { alert_id = "1", severity = "low" }
    ecs  = { vendor = { all = raw.note } }
  }
}`))
	if m == nil {
		t.Fatal(diags)
	}
	record := `{"note":"` + strings.Repeat("x", 16<<10) + `","many":[` + strings.TrimSuffix(strings.Repeat("1,", 5000), ",") + `]}`
	out, err := m.Try([]byte(record), noon)
	if err != nil || !strings.Contains(out.Unmapped, "its events have more than") {
		t.Errorf("makes %d events, %q, %v", len(out.Events), out.Unmapped, err)
	}
}
