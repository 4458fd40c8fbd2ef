package kind

import (
	"fmt"
	"time"
)

// Number is what Between can check.
type Number interface {
	int | int64 | float64 | time.Duration
}

// Between reads an optional number or duration, of which zero means the value
// otherwise. The problem is nil, or says what the field may hold.
func Between[N Number](field string, n, otherwise, least, most N) (N, *FieldError) {
	switch {
	case n == 0:
		return otherwise, nil
	case n >= least && n <= most: // false for NaN
		return n, nil
	}
	return otherwise, &FieldError{
		Field:   field,
		Summary: "out of range",
		Detail:  fmt.Sprintf("Give a value between %v and %v; without it, %v is used.", least, most, otherwise),
	}
}

// Problems are what is wrong with a configuration, in the order found. The zero
// value is ready.
type Problems []FieldError

// Add tells of a problem.
func (p *Problems) Add(field, summary, detail string) {
	*p = append(*p, FieldError{Field: field, Summary: summary, Detail: detail})
}

// Note tells of those problems that are not nil.
func (p *Problems) Note(problems ...*FieldError) {
	for _, f := range problems {
		if f != nil {
			*p = append(*p, *f)
		}
	}
}
