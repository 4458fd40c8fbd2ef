package question

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// maxText bounds the value of a parameter, in bytes.
const maxText = 512

// longest bounds durations.
const longest = 366 * 24 * time.Hour

// Error is a mistake in what was asked.
type Error struct {
	Problem string
	Hint    string // what to do; "" when the problem says it
}

// Error implements error.
func (e *Error) Error() string {
	if e.Hint != "" {
		return e.Problem + "; " + e.Hint
	}
	return e.Problem
}

// Check completes the values of parameters with the defaults. The error is an
// *Error.
func (q Question) Check(values map[string]string) (map[string]string, error) {
	full := map[string]string{}
	var names []string
	for _, p := range q.Params {
		names = append(names, p.Name)
		v := values[p.Name]
		if v == "" {
			v = p.Default
		}
		switch {
		case v == "" && p.Required():
			return nil, &Error{"--" + p.Name + " is missing", p.Doc + ", such as " + p.Example}
		case len(v) > maxText:
			return nil, &Error{fmt.Sprintf("--%s is longer than %d bytes", p.Name, maxText), ""}
		}
		if v != "" {
			if err := p.check(v); err != nil {
				return nil, err
			}
		}
		full[p.Name] = v
	}
	for name := range values {
		if _, ok := full[name]; !ok {
			return nil, &Error{fmt.Sprintf("%s takes no --%s", q.Name, name), nearest.Advice(name, names, "parameters")}
		}
	}
	return full, nil
}

func (p Param) check(v string) error {
	switch p.Kind {
	case Number:
		if _, err := strconv.ParseUint(v, 10, 31); err != nil {
			return &Error{fmt.Sprintf("--%s %q is no number", p.Name, v), "give a whole number, such as " + p.Default}
		}
	case Duration:
		if _, ok := parseDuration(v); !ok {
			return &Error{fmt.Sprintf("--%s %q is no duration", p.Name, v), "give one such as 90s, 15m, 8h or 7d, up to 366d"}
		}
	case Interval:
		if _, err := query.ParseInterval(v); err != nil {
			return &Error{"--" + p.Name + ": " + err.Error(), ""}
		}
	}
	return nil
}

// parseDuration reads a duration of package time, or days.
func parseDuration(text string) (time.Duration, bool) {
	var d time.Duration
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, false
		}
		d = time.Duration(n) * 24 * time.Hour
	} else {
		var err error
		if d, err = time.ParseDuration(text); err != nil {
			return 0, false
		}
	}
	return d, d >= time.Second && d <= longest
}

// fill parses a query with its parameters put in as quoted values.
func fill(text string, values map[string]string) (query.Query, error) {
	var pairs []string
	for name, v := range values {
		pairs = append(pairs, "{"+name+"}", quote(v))
	}
	return query.Parse(strings.NewReplacer(pairs...).Replace(text))
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func quote(v string) string { return `"` + escape.Replace(v) + `"` }
