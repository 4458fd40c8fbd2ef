package mappings

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// nullLikes are texts by which products say that there is nothing. What is a
// real value in some field (none, unknown) is not among them: see clean.
var nullLikes = map[string]bool{"": true, "null": true, "<null>": true, "(null)": true, "nil": true, "n/a": true, "na": true, "-": true, "undefined": true}

// nullLike reports whether a value says that there is nothing.
func nullLike(v value) bool {
	return v.kind == absent || v.kind == text && len(v.text) <= len("undefined")+2 && nullText(v.text)
}

func nullText(s string) bool {
	if s == "" {
		return true
	}
	switch c := s[0]; {
	case c <= ' ' || c >= utf8.RuneSelf: // perhaps white space
	case c == 'n' || c == 'N' || c == 'u' || c == 'U' || c == '<' || c == '(' || c == '-':
	default:
		return false
	}
	return nullLikes[fold(s)]
}

// onText makes a function of one text.
func onText(name, doc string, f func(string) value) Function {
	return Function{Name: name, Args: "text", Doc: doc, least: 1, most: 1, text: f}
}

// textTest compares a text with another, case aside.
type textTest uint8

const (
	noTest textTest = iota
	isTest
	containsTest
	startsTest
	endsTest
)

var textTests = map[string]textTest{"is": isTest, "contains": containsTest, "starts_with": startsTest, "ends_with": endsTest}

// holds reports whether the test holds of a text and another.
func (t textTest) holds(s, other string) bool {
	switch t {
	case isTest:
		return mayEqual(s, other) && strings.EqualFold(s, other)
	case containsTest:
		return containsFold(s, other)
	case startsTest:
		return len(s) >= len(other) && mayEqual(s, other) && strings.EqualFold(s[:len(other)], other)
	}
	return len(s) >= len(other) && strings.EqualFold(s[len(s)-len(other):], other)
}

// mayEqual reports whether texts begin with bytes that may be the same letter:
// most that are compared do not.
func mayEqual(s, other string) bool {
	return s == "" || other == "" || s[0]|0x20 == other[0]|0x20 || s[0] >= utf8.RuneSelf || other[0] >= utf8.RuneSelf
}

// onTexts makes a test of a text against others.
func onTexts(name, args, doc string) Function {
	f := textTests[name]
	return Function{Name: name, Args: args, Doc: doc, least: 2, most: -1, run: func(e *env, args []value) value {
		if args[0].kind != list {
			return boolOf(e.matchesOne(args[0], args[1:], f))
		}
		for _, v := range e.elements(args[0]) {
			if e.matchesOne(v, args[1:], f) {
				return boolOf(true)
			}
		}
		return boolOf(false)
	}}
}

func (e *env) matchesOne(v value, others []value, f textTest) bool {
	s, ok := v.string()
	if !ok {
		return false
	}
	for _, a := range others {
		e.work(elementWork + 4*len(s) + len(a.text))
		if a.kind != list {
			if other, ok := a.string(); ok && f.holds(s, other) {
				return true
			}
			continue
		}
		for _, o := range e.elements(a) {
			e.work(elementWork + 4*len(s) + len(o.text))
			if other, ok := o.string(); ok && f.holds(s, other) {
				return true
			}
		}
	}
	return false
}

// longPart is how long a part may be to be looked for without a copy.
const longPart = 32

// containsFold is strings.Contains, case aside.
func containsFold(s, part string) bool {
	if part == "" {
		return true
	}
	if len(part) > longPart { // a foreign one may nearly match everywhere
		return strings.Contains(strings.ToLower(s), strings.ToLower(part))
	}
	first := part[0] | 0x20
	for i := 0; i+len(part) <= len(s); i++ {
		if c := s[i]; c < utf8.RuneSelf && first < utf8.RuneSelf && c|0x20 != first {
			continue
		}
		if strings.EqualFold(s[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

var textFunctions = []Function{
	onText("lower", "The text in lower case.", func(s string) value { return textOf(lower(s)) }),
	onText("upper", "The text in upper case.", func(s string) value { return textOf(strings.ToUpper(s)) }),
	onText("trim", "The text without white space round it.", func(s string) value { return textOf(strings.TrimSpace(s)) }),
	onText("text", "A number or truth value as text.", textOf),
	onText("kebab", "The text as lower-case words with dashes: DefenseEvasion, defense_evasion and Defense Evasion give defense-evasion.", func(s string) value { return textOf(kebab(s)) }),
	onText("sha256", "SHA-256 of the text, hexadecimal.", func(s string) value {
		sum := sha256.Sum256([]byte(s))
		return textOf(hex.EncodeToString(sum[:]))
	}),
	{Name: "json", Args: "text", Doc: "What a text holds as JSON, as often as it was wrapped; absent if it is none, which is noted of what begins as a list or object.", least: 1, most: 1,
		run: func(e *env, args []value) value {
			s, ok := args[0].string()
			if !ok {
				return value{}
			}
			out := e.unwrapJSON(s)
			if out.kind == absent && looksLikeJSON(s) {
				e.note(Note{Kind: Unreadable, Name: "json", Value: unreadable(s)})
			}
			return out
		}},
	{Name: "pairs", Args: "text", Doc: "The members of a text such as {level=HIGH, reasons=A, B}. Of a name that comes twice the first counts, and the other is noted.", least: 1, most: 1, run: namedParts},

	onTexts("is", "value, other…", "Whether the value, or one of a list, equals one of the others, case aside."),
	onTexts("contains", "text, part…", "Whether the text, or one of a list, holds one of the parts, case aside."),
	onTexts("starts_with", "text, prefix…", "Whether the text begins with one of the prefixes, case aside."),
	onTexts("ends_with", "text, suffix…", "Whether the text ends with one of the suffixes, case aside."),

	{Name: "coalesce", Args: "value…", Doc: "The first value that is present and does not merely say that there is nothing: empty, null, n/a, -.", least: 1, most: -1},
	{Name: "clean", Args: "value, more…", Doc: "The value, absent if it says that there is nothing; more are further words of the field for that.", least: 1, most: -1,
		run: func(_ *env, args []value) value {
			if nullLike(args[0]) {
				return value{}
			}
			s, ok := args[0].string()
			for _, a := range args[1:] {
				if word, _ := a.string(); ok && strings.EqualFold(strings.TrimSpace(s), word) {
					return value{}
				}
			}
			return args[0]
		}},
	{Name: "after", Args: "separator, text", Doc: "What follows the last separator in the text; the whole text if it has none.", least: 2, most: 2,
		run: func(_ *env, args []value) value {
			sep, ok := args[0].string()
			s, ok2 := args[1].string()
			if !ok || !ok2 || sep == "" {
				return value{}
			}
			if at := strings.LastIndex(s, sep); at >= 0 {
				s = s[at+len(sep):]
			}
			return textOf(s)
		}},
	{Name: "split", Args: "separator, text", Doc: "The parts of the text, trimmed, without empty ones.", least: 2, most: 2,
		run: func(e *env, args []value) value {
			sep, ok := args[0].string()
			s, ok2 := args[1].string()
			if !ok || !ok2 || sep == "" {
				return value{}
			}
			base := len(e.stack)
			for part := range strings.SplitSeq(s, sep) {
				e.step()
				if part = strings.TrimSpace(part); part != "" {
					e.push(textOf(part))
				}
			}
			return e.seal(base)
		}},
	{Name: "join", Args: "separator, list", Doc: "The elements as one text.", least: 2, most: 2,
		run: func(e *env, args []value) value {
			sep, ok := args[0].string()
			if !ok || args[1].kind == absent {
				return value{}
			}
			var parts []string
			for _, v := range e.elements(args[1]) {
				if s, ok := v.string(); ok {
					e.work(len(s) + len(sep))
					parts = append(parts, s)
				}
			}
			return textOf(strings.Join(parts, sep))
		}},
	{Name: "replace", Args: "text, old, new", Doc: "The text with every old part exchanged.", least: 3, most: 3,
		run: func(e *env, args []value) value {
			s, ok := args[0].string()
			old, ok2 := args[1].string()
			with, ok3 := args[2].string()
			if !ok || !ok2 || !ok3 || old == "" {
				return value{}
			}
			e.work(len(s) + len(with)*strings.Count(s, old))
			return textOf(strings.ReplaceAll(s, old, with))
		}},
}

// lower is strings.ToLower, which looks at each byte. A text of ASCII without
// capital letters, as most are, is told eight bytes at a time.
func lower(s string) string {
	const each, high = 0x0101010101010101, 0x8080808080808080
	capital := func(w uint64) bool { return (w|(w+each*(0x80-'A'))&^(w+each*(0x80-'Z'-1)))&high != 0 }
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if capital(word(s[i : i+8])) {
			return strings.ToLower(s)
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf {
			return strings.ToLower(s)
		}
	}
	return s
}

// kebab writes words with dashes.
func kebab(s string) string {
	var b strings.Builder
	lower, dash := false, false
	for _, r := range s {
		up := r >= 'A' && r <= 'Z'
		word := up || r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		if !word {
			dash = b.Len() > 0
			lower = false
			continue
		}
		if up && lower {
			dash = true
		}
		if dash {
			b.WriteByte('-')
			dash = false
		}
		lower = !up
		if up {
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// wrappings is how often JSON is looked for in a text that held JSON.
const wrappings = 3

func (e *env) unwrapJSON(s string) value {
	var out value
	for range wrappings {
		if !mayBeJSON(s) {
			return out
		}
		v, err := strictjson.ParseText(s, nested)
		if err != nil {
			return out // a text that was wrapped, not what looks like JSON and is none
		}
		if v.Kind() != strictjson.String {
			return e.value(v)
		}
		s = v.Text()
		out = textOf(s)
	}
	return out
}

// mayBeJSON reports whether a text begins as JSON does: most texts that are
// asked do not.
func mayBeJSON(s string) bool { return begins(s, `{["-0123456789tfn`) }

// looksLikeJSON reports whether a text begins as a list or an object does.
func looksLikeJSON(s string) bool { return begins(s, "{[") }

// begins reports whether the first sign of a text, JSON's spaces aside, is one of
// those.
func begins(s, signs string) bool {
	for i := range len(s) {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return strings.IndexByte(signs, c) >= 0
		}
	}
	return false
}

// unreadable tells why a text is no JSON.
func unreadable(s string) string {
	_, err := strictjson.ParseText(s, nested)
	if err == nil {
		return "it is no object and no list"
	}
	return clip(err.Error())
}

// nested bounds JSON in a text.
var nested = strictjson.Limits{Bytes: 1 << 20, Depth: 32, Nodes: 20_000, Members: 1024}

// maxPairs bounds what pairs makes of one text.
const maxPairs = 256

// namedParts reads {k=v, k=v}, where a comma is part of a value unless a name and
// an equals sign follow it. What does not become a member is noted.
func namedParts(e *env, args []value) value {
	s, ok := args[0].string()
	if !ok {
		return value{}
	}
	s = strings.TrimSpace(s)
	s = strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	out := e.object(0)
	lost := func(s string) {
		if s = strings.TrimSpace(s); !nullText(s) {
			e.note(Note{Kind: Unreadable, Name: "pairs", Value: s})
		}
	}
	name, begin, from := "", 0, 0 // of the member that is being read
	until := func(end int) {
		if name == "" || out.made.index(name) >= 0 {
			lost(s[begin:max(begin, end)])
			return
		}
		out.made.members = append(out.made.members, e.member(name, textOf(strings.TrimSpace(s[from:end]))))
	}
	at := 0
	for part := range strings.SplitSeq(s, ",") {
		e.step()
		if word, _, ok := strings.Cut(part, "="); ok && strings.TrimSpace(word) != "" {
			until(at - 1)
			name, begin, from = strings.TrimSpace(word), at, at+len(word)+1
			if len(out.made.members) == maxPairs {
				lost(s[begin:])
				return out
			}
		}
		at += len(part) + 1
	}
	until(len(s))
	return out
}
