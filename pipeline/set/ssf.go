package set

// setType is the typ of a SET (SET-01).
const setType = "secevent+jwt"

// ssf is SSF 1.0, strictly.
var ssf = ruleset{
	name:   "ssf",
	types:  []string{setType},
	claims: claims,
	alias:  func(string) (string, bool) { return "", false },
}
