package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

func TestParseRefuses(t *testing.T) {
	lim := strictjson.Limits{Bytes: 200, Depth: 3, Nodes: 10, Members: 4}
	for _, c := range []struct{ name, text, want string }{
		{"empty", ``, "unexpected end of text at byte 0"},
		{"trailing", `{} x`, "unexpected text after the value at byte 3"},
		{"duplicate", `{"a":1,"a":2}`, `duplicate member "a" at byte 7`},
		{"duplicate escaped", `{"a":1,"\u0061":2}`, `duplicate member "a" at byte 7`},
		{"duplicate of escaped", `{"\u0061":1,"a":2}`, `duplicate member "a" at byte 12`},
		{"deep", `[[[[1]]]]`, "nested deeper than 3 at byte 3"},
		{"many values", `[1,2,3,4,5,6,7,8,9,10]`, "more than 10 values at byte 19"},
		{"many members", `{"a":1,"b":1,"c":1,"d":1,"e":1}`, "more than 4 members in one object at byte 25"},
		{"long", strings.Repeat(" ", 201), "text is longer than 200 bytes at byte 200"},
		{"lone low surrogate", `"\udc00"`, "lone surrogate in a string at byte 1"},
		{"lone high surrogate", `"\ud800x"`, "lone surrogate in a string at byte 1"},
		{"bad utf-8", "\"\xff\"", "invalid UTF-8 in a string at byte 1"},
		{"control", "\"\x01\"", "control character in a string at byte 1"},
		{"leading zero", `01`, "unexpected text after the value at byte 1"},
		{"plus", `+1`, `unexpected character '+' at byte 0`},
		{"bare fraction", `1.`, "invalid number at byte 2"},
		{"huge", `[1e1000000]`, "exponent of more than 3 digits at byte 3"},
		{"tiny", `1.0E-0001000`, "exponent of more than 3 digits at byte 5"},
		{"literal", `tru`, `unexpected character 't' at byte 0`},
		{"byte order mark", "\ufeff{}", `byte order mark; save the text as UTF-8 without one at byte 0`},
		{"mark within", "[\ufeff1]", `unexpected character 'ï' at byte 1`},
		{"comma", `[1,]`, `unexpected character ']' at byte 3`},
		{"open", `{"a"`, "expected ':' after a member name at byte 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := strictjson.Parse([]byte(c.text), lim)
			var se *strictjson.Error
			if !errors.As(err, &se) {
				t.Fatalf("got %v, want *Error", err)
			}
			if err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
}

// TestDuplicatesAmongMany: names are compared as they read, however many there
// are, wherever the two stand and whichever of them is escaped.
func TestDuplicatesAmongMany(t *testing.T) {
	for _, n := range []int{1, 2, 31, 32, 33, 64, 500} {
		for _, at := range []int{0, n / 2, n - 1} {
			for _, pair := range [][2]string{{`twin`, `twin`}, {`twin`, `t\u0077in`}, {`\u0074win`, `twin`}, {`tw\u0069n`, `t\u0077in`}, {`twin`, `twins`}} {
				var members []string
				for i := range n {
					name := fmt.Sprint("m", i)
					if i == at {
						name = pair[0]
					}
					members = append(members, fmt.Sprintf(`"%s":{"twin":[]}`, name))
				}
				text := "{" + strings.Join(members, ",") + `,"` + pair[1] + `":1}`
				_, err := strictjson.Parse([]byte(text), strictjson.DefaultLimits)
				if twice := pair[1] != "twins"; (err != nil) != twice || twice && !strings.Contains(err.Error(), `duplicate member "twin"`) {
					t.Errorf("%s at %d of %d, then %s: %v", pair[0], at, n, pair[1], err)
				}
			}
		}
	}
}

// BenchmarkNames is the worst a sender can do with names.
func BenchmarkNames(b *testing.B) {
	for name, format := range map[string]string{"plain": `"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%04d":1`, "escaped": `"\u0061\u0061\u0061\u0061%04d":1`} {
		var members []string
		for i := range 512 {
			members = append(members, fmt.Sprintf(format, i))
		}
		object := "{" + strings.Join(members, ",") + "}"
		text := []byte("[" + object + "," + object + "]")
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := strictjson.Parse(text, strictjson.DefaultLimits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestValue(t *testing.T) {
	v, err := strictjson.Parse([]byte(` {"s":"a\u00e9\ud83d\ude00\n","n":9007199254740993,"f":1.5e2,"b":true,"z":null,"o":{"x":[1,"y"]},"k\u0031":1} `), strictjson.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Get("s").Text(); got != "aé😀\n" {
		t.Errorf("text: %q", got)
	}
	if n, ok := v.Get("n").Int(); !ok || n != 9007199254740993 {
		t.Errorf("int: %d %v", n, ok)
	}
	if f, ok := v.Get("f").Float(); !ok || f != 150 {
		t.Errorf("float: %v %v", f, ok)
	}
	if !v.Get("b").Bool() || v.Get("z").Kind() != strictjson.Null || v.Get("nope").Exists() {
		t.Error("bool, null or missing")
	}
	if got := string(v.Get("o", "x").Raw()); got != `[1,"y"]` {
		t.Errorf("raw: %s", got)
	}
	if !v.Get("k1").Exists() || v.Len() != 7 {
		t.Error("escaped member name")
	}
}

func TestFind(t *testing.T) {
	v, err := strictjson.Parse([]byte(`{"\u0041lertId":1,"Ärger":2,"n":{"ALERTID":3},"list":[{"alertid":4}]}`), strictjson.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"alertID": "1", "äRGER": "2", "ALERTI": "", "N": `{"ALERTID":3}`} {
		if got := string(v.Find(name).Raw()); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if v.Get("list").Find("alertid").Exists() {
		t.Error("a list has members")
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "plain", "q\"b\\", "\x00\x1f\n\r\t", "é😀", "bad\xffutf\xc3"} {
		var got string
		if err := json.Unmarshal(strictjson.AppendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(strings.ReplaceAll(s, "\xff", "\ufffd"), "\ufffd"); got != want {
			t.Errorf("got %q want %q", got, want)
		}
	}
}

// FuzzParse holds Parse against encoding/json: what we accept it accepts, with
// the same meaning; what it accepts and we refuse must be one of our rules.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,"x\u00e9",null,true]}`, `"\ud83d\ude00"`, `{"a":1,"a":2}`, `[[[]]]`, `-0`, `[1e308,1e-0007,1e9999]`, "\"\xff\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := strictjson.Parse(b, strictjson.DefaultLimits)
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		var want any
		valid := json.Valid(b)
		if valid {
			if derr := dec.Decode(&want); derr != nil {
				valid = false
			}
		}
		if err != nil {
			if valid {
				msg := err.Error()
				for _, rule := range []string{"duplicate member", "lone surrogate", "invalid UTF-8", "nested deeper", "more than", "longer than"} {
					if strings.Contains(msg, rule) {
						return
					}
				}
				t.Fatalf("refused %q: %v", b, err)
			}
			return
		}
		if !valid {
			t.Fatalf("accepted invalid %q", b)
		}
		if got := v.Any(); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v want %#v", b, got, want)
		}
	})
}
