// Package nearest finds the known name that somebody who mistyped one may have
// meant. It is for messages to people; nothing is ever chosen by it.
package nearest

import "strings"

// longest bounds the names compared: longer ones are never near.
const longest = 64

// Name returns the known name that is most like the given one, letter case
// aside, or "" if none is close. Of equally close names the first wins.
func Name(given string, known []string) string {
	best, least := "", 1+min(3, max(1, len(given)/3))
	for _, name := range known {
		if d := distance(strings.ToLower(given), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the number of characters to insert, remove, exchange or swap with
// their neighbour to get from a to b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	s, t = s[:min(len(s), longest)], t[:min(len(t), longest)]
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := range s {
		row[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
