package event

import (
	"fmt"
	"slices"
	"strings"
)

// Match reports whether an event about one subject belongs to a subscription
// for another. Inferred says that the standards leave the case open and our own
// rule decided it. Nothing is case-folded here (MATCH-06).
//
//	simple, simple    identical (MATCH-01)
//	complex, complex  every member is absent on one side or matches (MATCH-02, MATCH-03)
//	simple, complex   any member of the event matches, inferred (MATCH-04)
//	aliases           any identifier is identical, inferred (MATCH-05)
//
// A complex subscription does not match a simple event: nothing says which of
// its members the event would be about.
func Match(subscription, event Subject) (ok, inferred bool) {
	if subscription.IsZero() || event.IsZero() {
		return false, false
	}
	wantComplex, isComplex := subscription.d.format == formatComplex, event.d.format == formatComplex
	switch {
	case wantComplex && isComplex:
		return matchComplex(subscription, event)
	case wantComplex:
		return false, false
	case isComplex:
		for _, p := range event.d.parts {
			if ok, _ := matchEntity(subscription, p.s); ok {
				return true, true
			}
		}
		return false, false
	}
	return matchEntity(subscription, event)
}

// matchComplex compares the members both sides have.
func matchComplex(a, b Subject) (ok, inferred bool) {
	for _, p := range a.d.parts {
		other, defined := b.Part(p.name)
		if !defined {
			continue
		}
		same, guess := matchEntity(p.s, other)
		if !same {
			return false, false
		}
		inferred = inferred || guess
	}
	return true, inferred
}

// matchEntity compares simple and aliases subjects.
func matchEntity(a, b Subject) (ok, inferred bool) {
	if a.d.key == b.d.key {
		return true, false
	}
	if a.d.format != formatAliases && b.d.format != formatAliases {
		return false, false
	}
	for x := range a.Identifiers() {
		for y := range b.Identifiers() {
			if x.d.key == y.d.key {
				return true, true
			}
		}
	}
	return false, false
}

// entityParts are the members of a complex subject that name whom it is about.
var entityParts = [...]string{"user", "device", "session"}

// MatchPattern reports whether a configured pattern, "<format>:<glob>" with '*'
// for any run of characters, matches the subject: the key or entity key of a
// simple one, of any identifier of an aliases, or of any member of a complex
// one, whatever its sender called it. The pattern "*" matches every subject that is
// there, and a bare address is an e-mail. E-mail and account patterns are
// compared without regard to case.
//
// One matching identifier suffices, which is right where a match protects. To
// ask whether a sender stays inside a permission, use MatchAll.
func MatchPattern(pattern string, s Subject) bool {
	if s.IsZero() {
		return false
	}
	if pattern == "*" {
		return true
	}
	pattern = normalPattern(pattern)
	if s.d.format != formatComplex {
		return matchAny(pattern, s)
	}
	for _, p := range s.Parts() {
		if matchAny(pattern, p) {
			return true
		}
	}
	return false
}

// MatchAll reports whether the patterns cover every identifier by which the
// subject names an entity, so that a sender cannot reach beyond what it may
// speak of by adding an identifier that is permitted to one that is not. Of a
// complex subject that names a user the user decides, since the other members
// only narrow it (MATCH-07); of another one device and session must both be
// covered.
func MatchAll(patterns []string, s Subject) bool {
	if s.IsZero() {
		return false
	}
	if s.d.format != formatComplex {
		return coverAll(patterns, s)
	}
	if user, ok := s.Part("user"); ok {
		return coverAll(patterns, user)
	}
	covered := false
	for _, name := range entityParts {
		if p, ok := s.Part(name); ok {
			if !coverAll(patterns, p) {
				return false
			}
			covered = true
		}
	}
	return covered || slices.Contains(patterns, "*")
}

func coverAll(patterns []string, s Subject) bool {
	for id := range s.Identifiers() {
		if !slices.ContainsFunc(patterns, func(p string) bool { return MatchPattern(p, id) }) {
			return false
		}
	}
	return true
}

func matchAny(pattern string, s Subject) bool {
	for id := range s.Identifiers() {
		if glob(pattern, id.d.entity) || glob(pattern, id.d.key) {
			return true
		}
	}
	return false
}

// CheckPattern says what is wrong with a pattern of a configuration, nil if
// nothing. Proprietary formats pass when they are among those agreed; their
// names are written as in Key, with a colon as %3A.
func CheckPattern(pattern string, agreed ...string) error {
	if pattern == "*" {
		return nil
	}
	name, value, ok := strings.Cut(normalPattern(pattern), ":")
	if !ok || name == "" || value == "" {
		return fmt.Errorf(`subject pattern %q must read "<format>:<value>", such as "email:*@example.com", or "*"`, pattern)
	}
	if name == formatComplex || name == formatAliases {
		return fmt.Errorf("subject pattern %q: give the formats inside %s subjects; patterns look into them", pattern, name)
	}
	if formatByName(name) != nil || name == formatIPs {
		return nil
	}
	if plain, err := unescape(name); err == nil && slices.Contains(agreed, plain) {
		return nil
	}
	return fmt.Errorf("subject pattern %q: the format %q is not known", pattern, name)
}

// normalPattern completes a bare address and folds what entity keys fold.
func normalPattern(pattern string) string {
	if !strings.Contains(pattern, ":") && strings.Contains(pattern, "@") {
		pattern = "email:" + pattern
	}
	if strings.HasPrefix(pattern, "email:") || strings.HasPrefix(pattern, "account:") {
		return strings.ToLower(pattern)
	}
	return pattern
}

// glob matches '*' against any run of bytes. It backs up to the last star only,
// so it takes time in proportion to the product of the lengths at worst.
func glob(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
