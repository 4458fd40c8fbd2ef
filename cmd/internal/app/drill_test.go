package app_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// TestDrill sends a drill through the whole product, and looks at what an
// analyst, a receiver and a dashboard see of it.
func TestDrill(t *testing.T) {
	s := newSite(t)
	a := s.open()
	client := api.Dial(filepath.Join(s.dir, "data"))
	answer, err := client.Drill(t.Context(), api.DrillRequest{By: "tester", Timeout: "50s"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, st := range answer.Stations {
		names = append(names, st.Station)
		if st.State != api.StationOK || st.Seen == "" {
			t.Errorf("station %+v", st)
		}
	}
	if want := "verify normalize decide commit sign deliver index local search"; !answer.OK || strings.Join(names, " ") != want {
		t.Errorf("answer %+v", answer)
	}
	q, err := query.Parse(`chain.root:"` + answer.ID + `"`)
	if err != nil {
		t.Fatal(err)
	}
	page, err := a.Searcher().Search(t.Context(), q, query.Options{})
	if err != nil || len(page.Docs) != 4 {
		t.Fatalf("%d documents, %v", len(page.Docs), err)
	}
	for _, d := range page.Docs {
		if text := string(d.JSON); !strings.Contains(text, `"tags":["test"]`) || strings.Contains(text, `"user":`) {
			t.Errorf("document %s", text)
		}
	}
	if text, err := os.ReadFile(filepath.Join(s.dir, "out.jsonl")); err == nil && len(text) > 0 {
		t.Errorf("a receiver got %s", text)
	}
	figures := scrape(t, a.MetricsAddr())
	if !strings.Contains(figures, `signalbox_drills_total{outcome="passed"} 1`) {
		t.Error("the drill is not counted")
	}
	for line := range strings.Lines(figures) {
		for _, real := range []string{"signalbox_messages_total{", "signalbox_events_total{", "signalbox_actions_total{"} {
			if strings.HasPrefix(line, real) && !strings.HasSuffix(line, " 0\n") {
				t.Errorf("the drill shows in the figures: %s", line)
			}
		}
	}
	if _, err := a.Reload(t.Context(), "tester"); err != nil {
		t.Fatal(err)
	}
	_, err = client.Drill(t.Context(), api.DrillRequest{By: "tester", Timeout: "1h"})
	if err == nil {
		t.Error("an hour was taken as a timeout")
	}
}

func scrape(t *testing.T, addr string) string {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("scrape: %s, %v", resp.Status, err)
	}
	return string(text)
}
