package mappings

import (
	"net/mail"
	"net/netip"
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
		"S-1-5-21-1-2-3-500", "s-1-12-1-7", "S-1-5-18-1111", "S-1-5-21-x", "S-1-5-21-", "12345678", "00u1jane_", "::1", "10.0.0.1:80", "[fe80::1%en0]:1", "/usr/bin\\x",
	} {
		f.Add(s)
	}
	patterns := map[*regexp.Regexp]func(string, int) (int, int){
		regexp.MustCompile(`\bT\d{4}(?:\.\d{3})?\b`): nextTechnique,
		regexp.MustCompile(`\bTA\d{4}\b`):            nextTactic,
	}
	hexadecimal := regexp.MustCompile(`^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$`)
	sid, longID := regexp.MustCompile(`(?i)^S-1-(?:5-21|12-1)-[0-9-]+$`), regexp.MustCompile(`^[0-9A-Za-z_.|:-]{8,256}$`)
	f.Fuzz(func(t *testing.T, s string) {
		id := strings.TrimSpace(s)
		isSID := len(id) > 4 && strings.EqualFold(id[:4], "S-1-")
		if want := (!isSID || sid.MatchString(id)) && longID.MatchString(id) && strings.Trim(id, "0123456789_.|:-") != ""; (accountID(s).kind == text) != want {
			t.Fatalf("%q is an id of an account: %v", s, !want)
		}
		if a, err := netip.ParseAddr(s); err == nil && !mayBeAddress(s) {
			t.Fatalf("%s is an address", a)
		}
		if a, err := netip.ParseAddrPort(s); err == nil && !mayBeAddress(s) {
			t.Fatalf("%s is an address", a)
		}
		if got, want := pathEnd(s), strings.LastIndexAny(s, `/\`)+1; got != want {
			t.Fatalf("%q: the last part begins at %d, want %d", s, got, want)
		}
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
