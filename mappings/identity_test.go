package mappings

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// FuzzIdentity holds what is read byte by byte against what reads it slowly:
// addresses against net/mail, ids of ATT&CK and digests against patterns.
func FuzzIdentity(f *testing.F) {
	for _, s := range []string{
		"jane@example.com", "j.d+x@a-b.example", "a@b.c@d.e", ".a@b.c", "a.@b.c", "a..b@c.d", `"a b"@c.d`, "a@b.", "a@[1.2.3.4]", "jäne@example.com", "a@.b",
		"T1003.001, xT1110 T1110.0012 T1059.001x T1003.1 _T1001 T1566\u00e9", "TA0006 TA00061 TA0001.TA0002", strings.Repeat("T1003 ", 70),
		strings.Repeat("0", 32), "d41d8cd98f00b204e9800998ecf8427e", strings.Repeat("a1", 20), strings.Repeat("F", 64),
		"abcdefgh@[`{", "abcdefgZ", "Abcdefgh", "abcdefghÄ", "abcdefghijK",
	} {
		f.Add(s)
	}
	patterns := map[*regexp.Regexp]func(string, int) (int, int){
		regexp.MustCompile(`\bT\d{4}(?:\.\d{3})?\b`): nextTechnique,
		regexp.MustCompile(`\bTA\d{4}\b`):            nextTactic,
	}
	hexadecimal := regexp.MustCompile(`^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$`)
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := lower(s), strings.ToLower(s); got != want {
			t.Fatalf("%q in lower case is %q, want %q", s, got, want)
		}
		for re, next := range patterns {
			var got []string
			for start, end := next(s, 0); end > 0; start, end = next(s, end) {
				got = append(got, s[start:end])
			}
			if want := re.FindAllString(s, -1); !slices.Equal(got, want) {
				t.Fatalf("%q: %q, want %q", s, got, want)
			}
		}
		if want := hexadecimal.MatchString(s) && strings.Trim(s, "0") != ""; digest(s) != want {
			t.Fatalf("%q is a digest: %v", s, !want)
		}
		if at := strings.LastIndexByte(s, '@'); at > 0 && plainAddress(s, at) {
			if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
				t.Fatalf("%q is no plain address: %v", s, err)
			}
		}
	})
}
