package mappings

import "testing"

// TestGives: of every function it is known what it gives.
func TestGives(t *testing.T) {
	for _, f := range Functions() {
		if gives[f.Name] == 0 {
			t.Errorf("what %s gives is not known", f.Name)
		}
	}
	if n := len(Functions()); len(gives) != n {
		t.Errorf("%d of %d functions", len(gives), n)
	}
	for _, name := range readers {
		if f := functions[name]; f.text == nil && f.run == nil {
			t.Errorf("%s is no function of values alone", name)
		}
	}
}
