package config

import (
	"fmt"
	"slices"
	"strings"
)

// nearest returns the known name that is most like the given one, "" if none is
// close.
func nearest(given string, known []string) string {
	best, least := "", 1+min(3, max(1, len(given)/3))
	for _, name := range known {
		if d := distance(strings.ToLower(given), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// suggest says in sentences what could have been meant: the nearest name, and
// all of them when they are few. What is a noun such as "sinks".
func suggest(given string, known []string, what string) string {
	var say []string
	if n := nearest(given, known); n != "" {
		say = append(say, fmt.Sprintf("Did you mean %q?", n))
	}
	switch {
	case len(known) == 0:
		say = append(say, "There are no "+what+" here.")
	case len(known) == 1:
		say = append(say, fmt.Sprintf("The only one of the %s is %s.", what, known[0]))
	case len(known) <= 16:
		say = append(say, fmt.Sprintf("The %s are %s.", what, list(known)))
	}
	if len(say) == 0 {
		return fmt.Sprintf("None of the %d %s is like it.", len(known), what)
	}
	return strings.Join(say, " ")
}

// list writes names as a, b and c, sorted.
func list(names []string) string {
	names = slices.Sorted(slices.Values(names))
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// distance is the number of characters to insert, remove, exchange or swap with
// their neighbour to get from a to b. Long names are cut, they are never near.
func distance(a, b string) int {
	const longest = 64
	s, t := []rune(a), []rune(b)
	s, t = s[:min(len(s), longest)], t[:min(len(t), longest)]
	before, prev, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range s {
		row[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			row[j+1] = min(prev[j+1]+1, row[j]+1, prev[j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(t)]
}
