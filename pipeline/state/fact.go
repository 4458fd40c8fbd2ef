package state

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bounds of the facts of one entity.
const (
	maxFacts     = 32
	maxFactName  = 128     // bytes of a rule's name and of a fact's
	maxFactValue = 1 << 10 // bytes of a fact's value as JSON
)

// Check says why a fact cannot be remembered. Apply leaves such facts out.
func (f Fact) Check() error {
	_, err := f.text()
	return err
}

// text is the value as JSON.
func (f Fact) text() (string, error) {
	switch {
	case f.Name == "" || len(f.Name) > maxFactName || len(f.Rule) > maxFactName:
		return "", fmt.Errorf("fact name is empty or longer than %d bytes", maxFactName)
	case f.Of != "user" && f.Of != "device":
		return "", fmt.Errorf("fact %s is of neither user nor device", f.Name)
	}
	b, err := json.Marshal(f.Value)
	if err != nil {
		return "", fmt.Errorf("value of fact %s: %w", f.Name, err)
	}
	if len(b) > maxFactValue {
		return "", fmt.Errorf("value of fact %s is longer than %d bytes", f.Name, maxFactValue)
	}
	return string(b), nil
}

// fact is a fact as stored.
type fact struct {
	rule, name, value string
	expires           int64
}

func (f *fact) order(o *fact) int {
	if c := strings.Compare(f.rule, o.rule); c != 0 {
		return c
	}
	return strings.Compare(f.name, o.name)
}

// setFact puts a fact into a list sorted by rule and name, in place of the one
// of that name. A fact that has no time to live is removed.
func setFact(list []fact, f Fact, now time.Time) []fact {
	value, err := f.text()
	if err != nil {
		return list
	}
	n := fact{rule: f.Rule, name: f.Name, value: value, expires: millis(now.Add(f.TTL))}
	i, known := slices.BinarySearchFunc(list, &n, func(e fact, t *fact) int { return e.order(t) })
	switch {
	case f.TTL <= 0 && known:
		return slices.Delete(list, i, i+1)
	case f.TTL <= 0:
		return list
	case known:
		list[i] = n
		return list
	}
	return slices.Insert(list, i, n)
}

// liveFacts drops what has expired, and over the bound what expires first.
func liveFacts(list []fact, now int64) []fact {
	list = slices.DeleteFunc(list, func(f fact) bool { return f.expires <= now })
	for len(list) > maxFacts {
		first := 0
		for i := range list {
			if list[i].expires < list[first].expires {
				first = i
			}
		}
		list = slices.Delete(list, first, first+1)
	}
	return list
}

func encodeFacts(list []fact) []byte {
	e := newEncoder()
	e.num(uint64(len(list)))
	for i := range list {
		f := &list[i]
		e.sym(f.rule)
		e.str(f.name)
		e.str(f.value)
		e.time(f.expires)
	}
	return e.value()
}

func decodeFacts(value []byte) ([]fact, error) {
	d := newDecoder(value)
	n := d.count()
	list := make([]fact, 0, n+1)
	for range n {
		f := fact{rule: d.sym(), name: d.str(), value: d.str(), expires: d.time()}
		if d.err == nil && !json.Valid([]byte(f.value)) {
			d.fail()
		}
		list = append(list, f)
	}
	return list, d.end()
}
