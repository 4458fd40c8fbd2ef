package document

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func checkDoc(t *testing.T, name string, d Doc, used map[string]bool) {
	t.Helper()
	if bytes.ContainsAny(d.JSON, "\r\n") {
		t.Errorf("%s: %s document has a line feed", name, d.Stream)
	}
	if len(d.ID) != 43 {
		t.Errorf("%s: %s document has id %q", name, d.Stream, d.ID)
	}
	var doc map[string]any
	if err := json.Unmarshal(d.JSON, &doc); err != nil {
		t.Fatalf("%s: %v in %s", name, err, d.JSON)
	}
	seen := map[string]any{}
	leaves("", doc, func(path string, v any) {
		f, ok := Lookup(path)
		switch {
		case !ok:
			t.Errorf("%s: %s document has %s, which is not declared", name, d.Stream, path)
			return
		case !f.Streams.Has(d.Stream):
			t.Errorf("%s: %s is declared for %v, not for %s", name, path, f.Streams.Names(), d.Stream)
		}
		if problem := mistyped(f, v); problem != "" {
			t.Errorf("%s: %s of %s: %s: %v", name, path, d.Stream, problem, v)
		}
		used[path], seen[path] = true, v
	})
	for _, path := range []string{"@timestamp", "message", "event.id", "event.kind", "event.type", "event.action", "event.outcome",
		"event.dataset", "event.created", "event.sequence", "event.severity", "ecs.version", "service.name"} {
		if _, ok := seen[path]; !ok {
			t.Errorf("%s: %s document has no %s", name, d.Stream, path)
		}
	}
	if seen["event.dataset"] != d.Stream || seen["@timestamp"] != d.Time.Format(timeForm) {
		t.Errorf("%s: document says %v at %v, its head %s at %v", name, seen["event.dataset"], seen["@timestamp"], d.Stream, d.Time)
	}
	if seen["user.id"] != nil && seen["user.name"] == nil {
		t.Errorf("%s: a user without user.name", name)
	}
}

// leaves visits the declared fields of a document.
func leaves(path string, v any, visit func(string, any)) {
	m, ok := v.(map[string]any)
	if f, declared := Lookup(path); !ok || declared && f.Type == Flattened {
		visit(path, v)
		return
	}
	for name, v := range m {
		leaves(strings.TrimPrefix(path+"."+name, "."), v, visit)
	}
}

func mistyped(f Field, v any) string {
	if list, ok := v.([]any); ok && f.Type != Flattened {
		if !f.Multi {
			return "several values in a field of one"
		}
		if len(list) == 0 {
			return "empty list"
		}
		f.Multi = false
		for _, e := range list {
			if problem := mistyped(f, e); problem != "" {
				return problem
			}
		}
		return ""
	}
	if f.Multi {
		return "no list in a field of many values"
	}
	s, isString := v.(string)
	n, isNumber := v.(float64)
	_, isBool := v.(bool)
	_, isObject := v.(map[string]any)
	var ok bool
	switch f.Type {
	case Date:
		_, err := time.Parse(timeForm, s)
		ok = err == nil
	case Keyword, Text, Stored:
		ok = isString && s != ""
	case Long:
		ok = isNumber && n == float64(int64(n))
	case Float:
		ok = isNumber
	case Boolean:
		ok = isBool
	case IP:
		_, err := netip.ParseAddr(s)
		ok = err == nil
	case Flattened:
		ok = isObject
	}
	if !ok {
		return "not a " + string(f.Type)
	}
	return ""
}
