package mappings

import (
	"net/mail"
	"net/netip"
	"regexp"
	"strings"
)

var identityFunctions = []Function{
	onText("account", "Who an account name means: an object with name, domain and email, as far as DOMAIN\\user, user@domain or user say.", account),
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
			return textOf(a.String())
		}
		return value{}
	}),
	onText("public_ip", "As ip, absent for addresses that are not of the public internet.", func(s string) value {
		if a, ok := ipAddress(s); ok && a.IsGlobalUnicast() && !a.IsPrivate() {
			return textOf(a.String())
		}
		return value{}
	}),
	onText("mac", "A hardware address as 00-00-5E-00-53-23.", func(s string) value { return mac(s) }),
	onText("short_host", "The first label of a host name.", func(s string) value {
		if _, err := netip.ParseAddr(s); err == nil {
			return value{}
		}
		short, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), ".")
		return textOf(short)
	}),
	onText("file_name", "The last part of a path, with / or \\.", func(s string) value { return textOf(s[strings.LastIndexAny(s, `/\`)+1:]) }),
	{Name: "file_path", Args: "folder, name", Doc: "The whole path of a file; the folder itself if it names the file already or there is no name.", least: 2, most: 2,
		run: func(_ *env, args []value) value {
			folder, ok := args[0].string()
			name, named := args[1].string()
			if !ok || nullLike(args[0]) {
				return value{}
			}
			base := folder[strings.LastIndexAny(folder, `/\`)+1:]
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
			s = strings.ToLower(strings.TrimSpace(s))
			return s, digest.MatchString(s) && strings.Trim(s, "0") != ""
		})},
	{Name: "ips", Args: "value…", Doc: "Those of the texts that are IP addresses.", least: 1, most: -1,
		run: pick(func(s string) (string, bool) {
			a, ok := ipAddress(s)
			return a.String(), ok
		})},
	{Name: "techniques", Args: "value…", Doc: "The ATT&CK technique ids in the texts, such as T1003.001.", least: 1, most: -1, run: find(techniqueID)},
	{Name: "tactics", Args: "value…", Doc: "The ATT&CK tactic ids in the texts, such as TA0006.", least: 1, most: -1, run: find(tacticID)},
}

var (
	digest      = regexp.MustCompile(`^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$`)
	techniqueID = regexp.MustCompile(`\bT\d{4}(?:\.\d{3})?\b`)
	tacticID    = regexp.MustCompile(`\bTA\d{4}\b`)
)

// pick keeps the texts that f knows, each once.
func pick(f func(string) (string, bool)) func(*env, []value) value {
	return func(e *env, args []value) value {
		var out []value
		seen := map[string]bool{}
		for _, v := range flat(e, args) {
			s, _ := v.string()
			if s, ok := f(s); ok && !seen[s] {
				seen[s] = true
				out = append(out, textOf(s))
			}
		}
		return listOf(out)
	}
}

// find takes what a pattern matches out of texts, each once.
func find(re *regexp.Regexp) func(*env, []value) value {
	return func(e *env, args []value) value {
		var out []value
		seen := map[string]bool{}
		for _, v := range flat(e, args) {
			s, _ := v.string()
			for _, m := range re.FindAllString(s, 64) {
				if !seen[m] {
					seen[m] = true
					out = append(out, textOf(m))
				}
			}
		}
		return listOf(out)
	}
}

// account reads the forms of account names.
func account(s string) value {
	s = strings.TrimSpace(s)
	if nullLikes[fold(s)] {
		return value{}
	}
	out := objectOf(nil)
	if domain, name, ok := strings.Cut(s, `\`); ok {
		out.set("name", textOf(name))
		if domain != "" && domain != "." {
			out.set("domain", textOf(domain))
		}
		return out
	}
	if a, ok := mailAddress(s); ok {
		name, domain, _ := strings.Cut(a, "@")
		out.set("name", textOf(name))
		out.set("domain", textOf(domain))
		out.set("email", textOf(a))
		return out
	}
	out.set("name", textOf(s))
	return out
}

var (
	domainSID = regexp.MustCompile(`(?i)^S-1-(?:5-21|12-1)-[0-9-]+$`)
	longID    = regexp.MustCompile(`^[0-9A-Za-z_.|:-]{8,256}$`)
)

func accountID(s string) value {
	s = strings.TrimSpace(s)
	sid := len(s) > 4 && strings.EqualFold(s[:4], "S-1-")
	if sid && !domainSID.MatchString(s) || !longID.MatchString(s) || strings.Trim(s, "0123456789_.|:-") == "" {
		return value{}
	}
	return textOf(s)
}

// mailAddress reads a bare e-mail address; the domain goes to lower case.
func mailAddress(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 320 || strings.ContainsAny(s, "<>\" ") {
		return "", false
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return "", false
	}
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || !strings.Contains(s[at+1:], ".") {
		return "", false
	}
	return s[:at] + "@" + strings.ToLower(s[at+1:]), true
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

func ipAddress(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func mac(s string) value {
	var b strings.Builder
	for _, r := range strings.ToUpper(s) {
		switch {
		case r >= '0' && r <= '9' || r >= 'A' && r <= 'F':
			if n := b.Len(); n%3 == 2 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
		case r != '-' && r != ':' && r != '.':
			return value{}
		}
	}
	if b.Len() != len("00-00-5E-00-53-23") || strings.Trim(b.String(), "0-") == "" {
		return value{}
	}
	return textOf(b.String())
}
