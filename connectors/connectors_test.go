package connectors_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/connectors"
)

var attribute = regexp.MustCompile(`^[a-z][a-z0-9_]*(,(optional|block|label))?$`)

// TestTables: every constructor gives a fresh struct whose exported fields all
// have a name in the configuration, and a blank configuration is refused
// without a panic.
func TestTables(t *testing.T) {
	for name, blank := range connectors.Sources {
		check(t, "source "+name, blank(), blank())
		if len(blank().Validate()) == 0 {
			t.Errorf("source %s: a blank configuration has no problem", name)
		}
	}
	for name, blank := range connectors.Sinks {
		check(t, "sink "+name, blank(), blank())
		if len(blank().Validate()) == 0 {
			t.Errorf("sink %s: a blank configuration has no problem", name)
		}
	}
	for name, blank := range connectors.Relays {
		check(t, "relay "+name, blank(), blank())
		if len(blank().Validate()) == 0 {
			t.Errorf("relay %s: a blank configuration has no problem", name)
		}
	}
	for name, blank := range connectors.Indexes {
		check(t, "index "+name, blank(), blank())
		blank().Validate()
	}
}

func check(t *testing.T, name string, one, other any) {
	t.Helper()
	if one == other {
		t.Errorf("%s: two calls gave the same struct", name)
	}
	fields(t, name, reflect.TypeOf(one).Elem())
}

func fields(t *testing.T, name string, typ reflect.Type) {
	t.Helper()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		tag, ok := f.Tag.Lookup("hcl")
		if !ok || !attribute.MatchString(tag) {
			t.Errorf("%s: field %s has hcl tag %q", name, f.Name, tag)
		}
		if strings.HasSuffix(tag, ",block") {
			fields(t, name+"."+f.Name, f.Type.Elem())
		}
	}
}
