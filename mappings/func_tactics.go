package mappings

import "strings"

// tacticIDs are the tactics of ATT&CK by their names, as kebab writes them. A name
// that several matrices have means that of Enterprise.
var tacticIDs = map[string]string{
	"reconnaissance":       "TA0043",
	"resource-development": "TA0042",
	"initial-access":       "TA0001",
	"execution":            "TA0002",
	"persistence":          "TA0003",
	"privilege-escalation": "TA0004",
	"defense-evasion":      "TA0005",
	"stealth":              "TA0005", // its name since ATT&CK v19
	"defense-impairment":   "TA0112", // what v19 took out of it
	"credential-access":    "TA0006",
	"discovery":            "TA0007",
	"lateral-movement":     "TA0008",
	"collection":           "TA0009",
	"exfiltration":         "TA0010",
	"command-and-control":  "TA0011",
	"command-control":      "TA0011", // Command & Control
	"impact":               "TA0040",

	"network-effects":        "TA0038", // Mobile
	"remote-service-effects": "TA0039",

	"evasion":                   "TA0103", // ICS
	"inhibit-response-function": "TA0107",
	"impair-process-control":    "TA0106",
}

// longestTactic bounds what is looked up as the name of a tactic.
const longestTactic = 40

// tactics gives the ids of the tactics that texts name or are; a text may list
// several. What is neither id nor name is noted.
func tactics(e *env, args []value) value {
	base := e.flat(args)
	out := texts{e: e, from: len(e.stack)}
	for i := base; i < out.from; i++ {
		s, ok := e.stack[i].string()
		if !ok {
			e.note(Note{Kind: UnknownValue, Name: "tactics", Value: e.stack[i].kind.String()})
			continue
		}
		for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ';' || r == '|' }) {
			e.step()
			if part = strings.TrimSpace(part); !nullText(part) && !out.tactics(part) {
				e.note(Note{Kind: UnknownValue, Name: "tactics", Value: part})
			}
		}
	}
	return out.sealed(base)
}

// tactics adds the tactics of one text; it reports whether there was one.
func (t *texts) tactics(s string) bool {
	found, end := false, 0
	for range maxFound {
		var start int
		if start, end = nextTactic(s, end); end == 0 {
			break
		}
		t.add(s[start:end])
		found = true
	}
	if found || len(s) > longestTactic {
		return found
	}
	if id := tacticIDs[kebab(s)]; id != "" {
		t.add(id)
		return true
	}
	if id := strings.ToUpper(s); len(id) == len("TA0001") {
		if _, end := nextTactic(id, 0); end > 0 {
			t.add(id)
			return true
		}
	}
	return false
}
