package cli

import (
	"bytes"
	"encoding/json"
	"testing"
)

// hostile is what somebody may put into a name to steer a terminal.
const hostile = "a\x1b[2J\u009b31m\u202eb\u2028c\u0085d\U000e0041\x7fé😀"

// TestJSONOutputIsInert: a value is printed whole, and nothing in it acts.
func TestJSONOutputIsInert(t *testing.T) {
	text, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(*bytes.Buffer, any) error{
		"lines": func(b *bytes.Buffer, v any) error { return writeLine(b, v) },
		"whole": func(b *bytes.Buffer, v any) error { return writeJSON(b, v) },
	} {
		var out bytes.Buffer
		if err := write(&out, []any{hostile, json.RawMessage(text)}); err != nil {
			t.Fatal(err)
		}
		if line := bytes.ReplaceAll(out.Bytes(), []byte("\n"), nil); plain(string(line)) != string(line) {
			t.Errorf("%s: printed %q", name, out.String())
		}
		var back []string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back[0] != hostile || back[1] != hostile {
			t.Errorf("%s: reads back as %q, %v", name, back, err)
		}
	}
}

// TestTextOutputIsInert: what may not be printed is a space.
func TestTextOutputIsInert(t *testing.T) {
	if got, want := plain(hostile), "a [2J 31m b c d  é😀"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
