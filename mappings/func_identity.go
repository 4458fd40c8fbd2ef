package mappings

import (
	"net/mail"
	"net/netip"
	"strings"
)

var identityFunctions = []Function{
	{Name: "account", Args: "text", Doc: "Who an account name means: an object with name, domain and email, as far as DOMAIN\\user, user@domain or user say.", least: 1, most: 1,
		run: account},
	onText("address", "The text if it is an e-mail address, in the form that subjects have.", func(s string) value {
		if a, ok := mailAddress(s); ok {
			return textOf(a)
		}
		return value{}
	}),
	onText("machine", "Whether an account is not a person's: it ends in $, or is one of the system's own.", func(s string) value { return boolOf(isMachine(s)) }),
	onText("account_id", "The text if it identifies an account beyond one machine: a SID of a domain, or an id of eight or more characters with letters; numbers and the well-known SIDs do not.", accountID),
	onText("ip", "The text if it is an IP address, without zone and port.", func(s string) value {
		if a, ok := ipAddress(s); ok {
			return textOf(addressText(a, s))
		}
		return value{}
	}),
	onText("public_ip", "As ip, absent for addresses that are not of the public internet.", func(s string) value {
		if a, ok := ipAddress(s); ok && a.IsGlobalUnicast() && !a.IsPrivate() {
			return textOf(addressText(a, s))
		}
		return value{}
	}),
	onText("mac", "A hardware address as 00-00-5E-00-53-23.", func(s string) value { return mac(s) }),
	onText("short_host", "The first label of a host name.", func(s string) value {
		if mayBeAddress(s) {
			if _, err := netip.ParseAddr(s); err == nil {
				return value{}
			}
		}
		short, _, _ := strings.Cut(fold(s), ".")
		return textOf(short)
	}),
	onText("file_name", "The last part of a path, with / or \\.", func(s string) value { return textOf(s[pathEnd(s):]) }),
	{Name: "file_path", Args: "folder, name", Doc: "The whole path of a file; the folder itself if it names the file already or there is no name.", least: 2, most: 2,
		run: func(_ *env, args []value) value {
			folder, ok := args[0].string()
			name, named := args[1].string()
			if !ok || nullLike(args[0]) {
				return value{}
			}
			base := folder[pathEnd(folder):]
			if !named || nullLike(args[1]) || strings.EqualFold(base, name) {
				return textOf(folder)
			}
			separator := `\`
			if strings.HasPrefix(folder, "/") {
				separator = "/"
			}
			return textOf(strings.TrimSuffix(folder, separator) + separator + name)
		}},
	{Name: "hashes", Args: "value…", Doc: "Those of the texts that are hexadecimal digests, lower case, without those of zeros.", least: 1, most: -1,
		run: pick(func(s string) (string, bool) {
			s = fold(s)
			return s, digest(s)
		})},
	{Name: "ips", Args: "value…", Doc: "Those of the texts that are IP addresses.", least: 1, most: -1,
		run: pick(func(s string) (string, bool) {
			a, ok := ipAddress(s)
			return addressText(a, s), ok
		})},
	{Name: "techniques", Args: "value…", Doc: "The ATT&CK technique ids in the texts, such as T1003.001.", least: 1, most: -1, run: find(nextTechnique)},
	{Name: "tactics", Args: "value…", Doc: "The ids of the ATT&CK tactics that the texts hold or name: TA0006, Credential Access, credential-access. What is neither is noted.", least: 1, most: -1, run: tactics},
}

// pick keeps the texts that f knows, each once.
func pick(f func(string) (string, bool)) func(*env, []value) value {
	return func(e *env, args []value) value {
		base := e.flat(args)
		out := texts{e: e, from: len(e.stack)}
		for i := base; i < out.from; i++ {
			s, _ := e.stack[i].string()
			if s, ok := f(s); ok {
				out.add(s)
			}
		}
		return out.sealed(base)
	}
}

// maxFound bounds what is found in one text.
const maxFound = 64

// find takes what next finds out of texts, each once. next gives the place of
// what begins first, end 0 if nothing does.
func find(next func(s string, from int) (start, end int)) func(*env, []value) value {
	return func(e *env, args []value) value {
		base := e.flat(args)
		out := texts{e: e, from: len(e.stack)}
		for i := base; i < out.from; i++ {
			s, _ := e.stack[i].string()
			end := 0
			for range maxFound {
				var start int
				if start, end = next(s, end); end == 0 {
					break
				}
				out.add(s[start:end])
			}
		}
		return out.sealed(base)
	}
}

// texts gathers different texts on the stack.
type texts struct {
	e    *env
	from int // where they begin
	seen map[string]bool
}

// manyTexts is the number of texts up to which comparing with all is fastest.
const manyTexts = 32

func (t *texts) add(s string) {
	e := t.e
	if t.seen == nil {
		for i := t.from; i < len(e.stack); i++ {
			if e.stack[i].text == s {
				return
			}
		}
		if len(e.stack)-t.from == manyTexts {
			t.seen = map[string]bool{}
			for _, v := range e.stack[t.from:] {
				t.seen[v.text] = true
			}
		}
	}
	if t.seen != nil {
		if t.seen[s] {
			return
		}
		t.seen[s] = true
	}
	e.push(textOf(s))
}

// sealed is the list of them; the stack goes back to base.
func (t *texts) sealed(base int) value {
	out := t.e.seal(t.from)
	t.e.stack = t.e.stack[:base]
	return out
}

// nextTechnique finds \bT\d{4}(?:\.\d{3})?\b.
func nextTechnique(s string, from int) (start, end int) {
	return nextID(s, from, func(s string) int {
		if !digits(s, 1, 4) {
			return 0
		}
		if len(s) > 5 && s[5] == '.' && digits(s, 6, 3) && ends(s, 9) {
			return 9
		}
		return 5
	})
}

// nextTactic finds \bTA\d{4}\b.
func nextTactic(s string, from int) (start, end int) {
	return nextID(s, from, func(s string) int {
		if len(s) > 1 && s[1] == 'A' && digits(s, 2, 4) {
			return 6
		}
		return 0
	})
}

// nextID finds a word that begins with T and of which length tells how long it
// is, 0 if it is none.
func nextID(s string, from int, length func(string) int) (start, end int) {
	for {
		at := strings.IndexByte(s[from:], 'T')
		if at < 0 {
			return 0, 0
		}
		at += from
		if at == 0 || !wordByte(s[at-1]) {
			if n := length(s[at:]); n > 0 && ends(s[at:], n) {
				return at, at + n
			}
		}
		from = at + 1
	}
}

func digits(s string, from, n int) bool {
	if len(s) < from+n {
		return false
	}
	for i := from; i < from+n; i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// ends reports whether a word ends before the n-th byte.
func ends(s string, n int) bool { return len(s) == n || !wordByte(s[n]) }

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_'
}

// digest reports whether a text in lower case is a hexadecimal digest of MD5 or
// of a SHA, and not one of zeros.
func digest(s string) bool {
	switch len(s) {
	case 32, 40, 64, 96, 128:
	default:
		return false
	}
	zeros := true
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
		zeros = zeros && c == '0'
	}
	return !zeros
}

// account reads the forms of account names.
func account(e *env, args []value) value {
	s, ok := args[0].string()
	s = strings.TrimSpace(s)
	if !ok || nullLike(textOf(s)) {
		return value{}
	}
	out := e.object(3)
	add := func(name, s string) { out.set(e.member(name, textOf(s))) }
	if domain, name, ok := strings.Cut(s, `\`); ok {
		add("name", name)
		if domain != "" && domain != "." {
			add("domain", domain)
		}
		return out
	}
	if a, ok := mailAddress(s); ok {
		name, domain, _ := strings.Cut(a, "@")
		add("name", name)
		add("domain", domain)
		add("email", a)
		return out
	}
	add("name", s)
	return out
}

// accountID takes an id of 8 to 256 letters, digits and _.|:- with a letter, and
// of SIDs those of domains, S-1-5-21-… and S-1-12-1-….
func accountID(s string) value {
	s = strings.TrimSpace(s)
	if len(s) < 8 || len(s) > 256 {
		return value{}
	}
	letters := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letters++
		case c >= '0' && c <= '9' || c == '_' || c == '.' || c == '|' || c == ':' || c == '-':
		default:
			return value{}
		}
	}
	if letters == 0 || strings.EqualFold(s[:4], "S-1-") && !domainSID(s[4:]) {
		return value{}
	}
	return textOf(s)
}

// domainSID reports whether a SID is of a domain, by what follows S-1-.
func domainSID(rest string) bool {
	rest, local := strings.CutPrefix(rest, "5-21-")
	if !local {
		var entra bool
		if rest, entra = strings.CutPrefix(rest, "12-1-"); !entra {
			return false
		}
	}
	return rest != "" && strings.Trim(rest, "0123456789-") == ""
}

// pathEnd is where the last part of a path begins.
func pathEnd(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' || s[i] == '\\' {
			return i + 1
		}
	}
	return 0
}

// mailAddress reads a bare e-mail address; the domain goes to lower case.
func mailAddress(s string) (string, bool) {
	s = strings.TrimSpace(s)
	at := strings.LastIndexByte(s, '@')
	if len(s) > 320 || at <= 0 || strings.IndexByte(s[at+1:], '.') < 0 {
		return "", false
	}
	if !plainAddress(s, at) {
		if strings.ContainsAny(s, "<>\" ") {
			return "", false
		}
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
			return "", false
		}
	}
	if domain := lower(s[at+1:]); domain != s[at+1:] {
		return s[:at+1] + domain, true
	}
	return s, true
}

// plainAddress reports whether both sides of the at sign are atoms of ASCII with
// dots between them (RFC 5322 section 3.2.3), as nearly all are, so that no
// reader of all other forms is needed.
func plainAddress(s string, at int) bool {
	dot := true // before what comes next, or nothing is
	for i := range len(s) {
		switch c := s[i]; {
		case i == at || c == '.':
			if dot {
				return false
			}
			dot = true
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("!#$%&'*+/=?^_`{|}~-", c) >= 0:
			dot = false
		default:
			return false
		}
	}
	return !dot
}

// systemAccounts act without a person.
var systemAccounts = map[string]bool{
	"system": true, "local service": true, "network service": true, "local system": true, "localsystem": true, "root": true,
	"dwm-1": true, "umfd-0": true, "anonymous logon": true, "s-1-5-18": true, "s-1-5-19": true, "s-1-5-20": true, "system@okta.com": true,
}

func isMachine(s string) bool {
	s = fold(s)
	if strings.HasPrefix(s, `nt authority\`) {
		return true
	}
	if _, name, ok := strings.Cut(s, `\`); ok {
		s = name
	}
	return strings.HasSuffix(s, "$") || strings.HasPrefix(s, "_") || systemAccounts[s]
}

// addressText writes an address that was read from a text, which is mostly
// written so already.
func addressText(a netip.Addr, from string) string {
	var buf [64]byte
	b := a.AppendTo(buf[:0])
	if string(b) == from {
		return from
	}
	return string(b)
}

// mayBeAddress reports whether a text begins as an IPv4 address does or has a
// colon as others do: an error that says it is none is dear.
func mayBeAddress(s string) bool {
	return s != "" && s[0] >= '0' && s[0] <= '9' || strings.IndexByte(s, ':') >= 0
}

func ipAddress(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if !mayBeAddress(s) {
		return netip.Addr{}, false
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func mac(s string) value {
	const form = "00-00-5E-00-53-23"
	var b [len(form)]byte
	n, zeros := 0, true
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'f':
			c -= 'a' - 'A'
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'F':
		case c == '-' || c == ':' || c == '.':
			continue
		default:
			return value{}
		}
		if n == len(form) {
			return value{}
		}
		if n%3 == 2 {
			b[n] = '-'
			n++
		}
		b[n] = c
		n++
		zeros = zeros && c == '0'
	}
	if n != len(form) || zeros {
		return value{}
	}
	return textOf(string(b[:]))
}
