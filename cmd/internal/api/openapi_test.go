package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/backup"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// schema is as much of a JSON schema as the description uses.
type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Properties map[string]schema
	Items      *schema
	AllOf      []schema
}

// description is openapi.json.
var description = func() (d struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct{ Schemas map[string]schema }
}) {
	if err := json.Unmarshal(openAPI, &d); err != nil {
		panic(err)
	}
	return d
}()

// TestOpenAPIPaths: the description has the paths that are served, and no
// others.
func TestOpenAPIPaths(t *testing.T) {
	var described, served []string
	for path, methods := range description.Paths {
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`(?:handle|HandleFunc)\("([A-Z]+ /[^"]+)"`).FindAllSubmatch(text, -1) {
			served = append(served, string(m[1]))
		}
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described and served differ:\n%q\n%q", described, served)
	}
	mux := Handler(Backend{}).(*http.ServeMux)
	for _, line := range described {
		method, path, _ := strings.Cut(line, " ")
		r, err := http.NewRequest(method, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, pattern := mux.Handler(r); pattern != line {
			t.Errorf("%s is served by %q", line, pattern)
		}
	}
}

// TestOpenAPISchemas: the description names the members that the types have.
func TestOpenAPISchemas(t *testing.T) {
	types := []any{
		Status{}, QueryAnswer{}, JournalAnswer{}, ExplainRequest{}, Explanation{}, OperatorRequest{}, VerdictRequest{}, ReloadAnswer{}, Error{},
		QuarantineAnswer{}, QuarantineRequest{}, RetryAnswer{}, DropAnswer{}, DrillRequest{}, DrillAnswer{}, EmitRequest{}, EmitAnswer{}, RotateRequest{},
		RotateAnswer{}, AskAnswer{}, AggregateAnswer{}, StoreStatus{}, CompactAnswer{}, RebuildAnswer{}, BackupRequest{}, backup.Manifest{},
		BackupStep{}, ActionsAnswer{}, ActionAnswer{}, JudgeRequest{}, JudgeAnswer{}, ExportRequest{}, ExportAnswer{},
		ReceiversAnswer{}, ReceiverStatusRequest{}, ReceiverStatusAnswer{},
	}
	for _, x := range types {
		typ := reflect.TypeOf(x)
		s, ok := description.Components.Schemas[typ.Name()]
		if !ok {
			t.Errorf("no schema %s", typ.Name())
			continue
		}
		fits(t, typ.Name(), s, typ)
	}
}

var plainTypes = []reflect.Type{reflect.TypeFor[time.Time](), reflect.TypeFor[json.RawMessage](), reflect.TypeFor[[]byte]()}

// fits compares an object of the description with a struct, and what is in it.
// An object without members stands for anything.
func fits(t *testing.T, at string, s schema, typ reflect.Type) {
	t.Helper()
	if strings.Count(at, ".") > 6 {
		return // a type that holds its like, such as a link of a chain
	}
	if s.Ref != "" {
		s = description.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	for _, part := range s.AllOf {
		if part.Ref != "" {
			part = description.Components.Schemas[strings.TrimPrefix(part.Ref, "#/components/schemas/")]
		}
		if s.Properties == nil {
			s.Properties = map[string]schema{}
		}
		maps.Copy(s.Properties, part.Properties)
	}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case slices.Contains(plainTypes, typ):
	case typ.Kind() == reflect.Slice && s.Items != nil:
		fits(t, at+"[]", *s.Items, typ.Elem())
	case typ.Kind() == reflect.Struct && s.Properties != nil:
		has := map[string]reflect.Type{}
		members(typ, has)
		if typ == reflect.TypeFor[pipeline.Quarantined]() {
			delete(has, "body") // a QuarantinedMessage has it as text
		}
		if got, want := slices.Sorted(maps.Keys(s.Properties)), slices.Sorted(maps.Keys(has)); !slices.Equal(got, want) {
			t.Errorf("%s has in the description and in %v:\n%q\n%q", at, typ, got, want)
		}
		for name, p := range s.Properties {
			if inner, ok := has[name]; ok {
				fits(t, at+"."+name, p, inner)
			}
		}
	}
}

// members finds the members that encoding/json writes for a struct.
func members(typ reflect.Type, has map[string]reflect.Type) {
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "":
			members(f.Type, has)
		case name == "":
			has[f.Name] = f.Type
		default:
			has[name] = f.Type
		}
	}
}
