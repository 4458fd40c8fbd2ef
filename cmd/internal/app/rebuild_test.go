package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
)

// documents returns what the index holds of signals, events, decisions and
// actions, by id.
func (s *site) documents() (list []string) {
	s.t.Helper()
	answer, err := api.Dial(filepath.Join(s.dir, "data")).Query(s.t.Context(), api.QueryRequest{Query: "NOT event.dataset:ssf.audit", Size: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range answer.Docs {
		if !json.Valid(d) {
			s.t.Fatalf("document %s", d)
		}
		list = append(list, string(d))
	}
	slices.Sort(list)
	return list
}

// TestRebuildAfterLoss removes a day of the index, while the product runs and
// while it does not, and damages one: a rebuild brings every document back as it
// was.
func TestRebuildAfterLoss(t *testing.T) {
	s := newSite(t)
	a := s.open()
	for i := range 20 {
		if code, body := push(t, a, s.token(fmt.Sprint(i), fmt.Sprint(i, "@example.com"))); code != http.StatusAccepted {
			t.Fatalf("push: %d %s", code, body)
		}
	}
	settled(t, a)
	want := s.documents()
	if len(want) < 60 {
		t.Fatalf("%d documents of 20 tokens", len(want))
	}
	rebuild := func(a *app.App) {
		t.Helper()
		answer, err := api.Dial(filepath.Join(s.dir, "data")).Rebuild(t.Context(), "local", api.OperatorRequest{By: "ana"})
		if err != nil || answer.Records == 0 {
			t.Fatalf("rebuild: %+v, %v", answer, err)
		}
		settled(t, a)
	}
	days := func() []string {
		t.Helper()
		list, err := filepath.Glob(filepath.Join(s.dir, "data/index/local/*.db*"))
		if err != nil || len(list) == 0 {
			t.Fatalf("files of the index: %v, %v", list, err)
		}
		return list
	}
	same := func(when string) {
		t.Helper()
		if got := s.documents(); !slices.Equal(got, want) {
			t.Errorf("%s: %d documents, want the %d of before", when, len(got), len(want))
		}
	}
	for _, f := range days() {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	rebuild(a)
	same("removed while it runs")

	s.stop(a)
	for _, f := range days() {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	a = s.open()
	settled(t, a)
	if n := len(s.documents()); n != 0 {
		t.Errorf("%d documents without the day", n)
	}
	rebuild(a)
	same("removed while it did not run")

	s.stop(a)
	if err := os.WriteFile(days()[0], []byte("not a database, but it was one"), 0o600); err != nil {
		t.Fatal(err)
	}
	a = s.open()
	rebuild(a)
	same("damaged")
}
