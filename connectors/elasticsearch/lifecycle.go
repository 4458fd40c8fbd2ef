package elasticsearch

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// Under these bounds a data stream may go through two indices, or lose one,
// between a request without an answer and the look-up that tells what became of
// it.
const (
	leastRollover     = 24 * time.Hour
	leastRolloverSize = 100 << 20
	leastRolloverDocs = 1_000_000
)

// policyOf is the lifecycle of a stream.
func (l *Lifecycle) policyOf(stream string) []byte {
	age, size, keep := 30*day, "50gb", 365*day
	switch stream {
	case document.DecisionStream, document.ActionStream, document.AuditStream:
		keep = 730 * day
	case document.ErrorStream:
		keep = 30 * day
	}
	if l != nil {
		if l.RolloverAge != 0 {
			age = l.RolloverAge
		}
		if l.RolloverSize != "" {
			size = l.RolloverSize
		}
		given := l.Keep
		switch stream {
		case document.DecisionStream, document.ActionStream, document.AuditStream:
			given = l.KeepDecided
		case document.ErrorStream:
			given = l.KeepErrors
		}
		if given != 0 {
			keep = given
		}
	}
	text, err := json.Marshal(object{"policy": object{
		"_meta": object{"managed_by": managedBy, "schema": document.TemplateVersion},
		"phases": object{
			"hot":    object{"min_age": "0ms", "actions": object{"rollover": object{"max_age": units(age), "max_primary_shard_size": size}}},
			"delete": object{"min_age": units(keep), "actions": object{"delete": object{"delete_searchable_snapshot": true}}},
		},
	}})
	if err != nil {
		panic(err) // strings and numbers only
	}
	return text
}

// units writes a time as Elasticsearch does.
func units(d time.Duration) string {
	switch {
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%ds", int64(d.Seconds()))
}

// policy is what is looked at of a lifecycle.
type policy struct {
	Phases map[string]struct {
		MinAge  string                     `json:"min_age"`
		Actions map[string]json.RawMessage `json:"actions"`
	} `json:"phases"`
}

// check says why a lifecycle would let documents be written twice, "" if it would
// not.
func (p policy) check() string {
	for name, phase := range p.Phases {
		if raw, ok := phase.Actions["rollover"]; ok {
			var conditions map[string]any
			if err := json.Unmarshal(raw, &conditions); err != nil {
				return "its rollover cannot be read"
			}
			if why := checkRollover(conditions); why != "" {
				return why
			}
		}
		if _, ok := phase.Actions["delete"]; ok && parseAge(phase.MinAge) < leastRollover {
			return fmt.Sprintf("it deletes an index %s after its rollover; at least a day is needed", phase.MinAge)
		}
		if _, ok := phase.Actions["downsample"]; ok {
			return "it downsamples, which loses documents, in phase " + name
		}
	}
	return ""
}

func checkRollover(conditions map[string]any) string {
	for name, v := range conditions {
		text := fmt.Sprint(v)
		if n, ok := v.(float64); ok {
			text = strconv.FormatFloat(n, 'f', -1, 64)
		}
		bad := false
		switch name {
		case "max_age":
			bad = parseAge(text) < leastRollover
		case "max_size", "max_primary_shard_size":
			bad = parseSize(text) < leastRolloverSize
		case "max_docs", "max_primary_shard_docs":
			n, err := strconv.ParseInt(text, 10, 64)
			bad = err != nil || n < leastRolloverDocs
		}
		if bad {
			return fmt.Sprintf("its rollover has %s %s; at least a day, 100mb and %d documents are needed, so that what a request without an answer wrote is found in the last two indices", name, text, leastRolloverDocs)
		}
	}
	return ""
}

var measure = regexp.MustCompile(`^([0-9]+)([a-z]*)$`)

// parseAge reads a time as Elasticsearch writes it; what is none is 0.
func parseAge(text string) time.Duration {
	m := measure.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	unit, ok := map[string]time.Duration{"d": day, "h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond}[m[2]]
	n, err := strconv.ParseInt(m[1], 10, 32)
	if !ok || err != nil {
		return 0
	}
	return time.Duration(min(n, int64(mostKeep/unit))) * unit
}

// parseSize reads a size as Elasticsearch writes it, in bytes; what is none is 0.
func parseSize(text string) int64 {
	m := measure.FindStringSubmatch(strings.ToLower(text))
	if m == nil {
		return 0
	}
	shift, ok := map[string]int{"b": 0, "": 0, "kb": 10, "mb": 20, "gb": 30, "tb": 40, "pb": 50}[m[2]]
	n, err := strconv.ParseInt(m[1], 10, 32)
	if !ok || err != nil {
		return 0
	}
	return min(n, 1<<62>>shift) << shift
}
