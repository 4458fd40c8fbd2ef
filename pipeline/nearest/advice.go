package nearest

import (
	"fmt"
	"slices"
	"strings"
)

// Advice says in sentences what could have been meant: the nearest name, and
// all of them when they are few. What is a noun such as "sinks".
func Advice(given string, known []string, what string) string {
	var say []string
	if n := Name(given, known); n != "" {
		say = append(say, fmt.Sprintf("Did you mean %q?", n))
	}
	switch {
	case len(known) == 0:
		say = append(say, "There are no "+what+" here.")
	case len(known) == 1:
		say = append(say, fmt.Sprintf("The only one of the %s is %s.", what, known[0]))
	case len(known) <= 16:
		say = append(say, fmt.Sprintf("The %s are %s.", what, Enumerate(known)))
	}
	if len(say) == 0 {
		return fmt.Sprintf("None of the %d %s is like it.", len(known), what)
	}
	return strings.Join(say, " ")
}

// Enumerate writes names as a, b and c, sorted.
func Enumerate(names []string) string {
	names = slices.Sorted(slices.Values(names))
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
