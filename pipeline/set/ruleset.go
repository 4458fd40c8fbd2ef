package set

import (
	"maps"
	"slices"
)

// ruleset is how the tokens of an issuer are read.
type ruleset struct {
	name     string
	types    []string // typ, lower case and without application/; "" allows a missing one
	dialect  string   // of the event catalogue
	claims   []claimRule
	tolerant bool // subjects and payloads of earlier drafts are read as meant

	// typed notes a workaround for the token's type; nil: none is possible.
	typed func(r *reading, mediaType string)
	// alias says whether another spelling of a type's URI is read as the type,
	// and which workaround that is.
	alias func(uri string) (requirement string, ok bool)
	// lift finds the primary subject of a token without sub_id; nil: there is
	// none.
	lift func(r *reading) error
	// statement puts one statement whose payload passed its checks into the
	// form rules expect; nil: it has that form.
	statement func(r *reading, i int) error
}

// rulesets are all there are, by name.
var rulesets = map[string]*ruleset{
	ssf.name:    &ssf,
	legacy.name: &legacy,
}

// RuleSets returns the names an Issuer's Rules can have, sorted.
func RuleSets() []string { return slices.Sorted(maps.Keys(rulesets)) }
