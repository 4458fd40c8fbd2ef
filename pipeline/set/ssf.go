package set

// setType is the typ of a SET (SET-01).
const setType = "secevent+jwt"

// ssf is SSF 1.0, strictly.
var ssf = ruleset{
	name:     "ssf",
	types:    []string{setType},
	claims:   claims,
	alias:    noAlias,
	together: sameEvent,
	subject:  primarySubject,
}

// noAlias reads no other spelling of an event's URI.
func noAlias(string) (requirement string, ok bool) { return "", false }
