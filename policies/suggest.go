package policies

import (
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

// didYouMean is the sentence that offers the nearest name, or one that lists
// what there is when nothing is near and the list is short.
func didYouMean(name string, known []string) string {
	if k := nearest.Name(name, slices.Sorted(slices.Values(known))); k != "" {
		return "did you mean " + quote(k) + "?"
	}
	if n := len(known); n > 0 && n <= 12 {
		sorted := slices.Sorted(slices.Values(known))
		return "one of " + strings.Join(sorted, ", ")
	}
	return ""
}

func quote(s string) string { return `"` + s + `"` }
