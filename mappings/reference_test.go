package mappings_test

import (
	"os"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/mappings"
)

// TestReference: the tables of docs/mappings.md are what the program has.
func TestReference(t *testing.T) {
	const file = "../docs/mappings.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for name, table := range map[string]string{"functions": mappings.FunctionTable(), "shipped": shipped(t).Table()} {
		begin, end := "<!-- "+name+": made by go test ./mappings -update -->\n", "<!-- end of "+name+" -->\n"
		before, rest, ok := strings.Cut(page, begin)
		old, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s lacks the marks of %s", file, name)
		}
		if want := "\n" + table + "\n"; old != want {
			if !*update {
				t.Errorf("the table of %s in %s is not current; go test ./mappings -update writes it anew", name, file)
			}
			page = before + begin + want + end + after
		}
	}
	if *update && page != string(text) {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
