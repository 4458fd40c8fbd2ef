package policies

import (
	"iter"
	"slices"
	"strings"
)

// nearest returns the name closest to a misspelt one, "" when none is close. Of
// equally close names the first in byte order wins.
func nearest(name string, known iter.Seq[string]) string {
	best, distance := "", max(1, len(name)/3)+1
	for _, k := range slices.Sorted(known) {
		if d := edits(strings.ToLower(name), k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// didYouMean is the sentence that offers the nearest name, or one that lists
// what there is when nothing is near and the list is short.
func didYouMean(name string, known []string) string {
	if k := nearest(name, slices.Values(known)); k != "" {
		return "did you mean " + quote(k) + "?"
	}
	if n := len(known); n > 0 && n <= 12 {
		sorted := slices.Sorted(slices.Values(known))
		return "one of " + strings.Join(sorted, ", ")
	}
	return ""
}

func quote(s string) string { return `"` + s + `"` }

// edits counts the single-character changes between two words, a swap of
// neighbours being one.
func edits(a, b string) int {
	before, last, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row = make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
