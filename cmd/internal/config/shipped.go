package config

import (
	_ "embed"
	"sync"
)

//go:embed shipped.hcl
var shippedText []byte

// shippedOnce reads the shipped action types. A mistake there is the
// programmer's.
var shippedOnce = sync.OnceValue(func() map[string]*Action {
	const file = "shipped.hcl"
	l := newLoader(&Config{Actions: map[string]*Action{}}, noEnv)
	l.shipping = true
	var top struct {
		Actions []actionBlock `hcl:"action,block"`
	}
	l.fill(l.parse(file, shippedText), &top)
	l.actions(top.Actions)
	l.references()
	if len(l.problem) > 0 {
		panic("config: " + file + ": " + l.problem.Error())
	}
	return l.cfg.Actions
})

func noEnv(string) (string, bool) { return "", false }

// shippedActions gives a copy of the shipped action types that may be changed.
func shippedActions() map[string]*Action {
	all := map[string]*Action{}
	for name, a := range shippedOnce() {
		own := *a
		own.Shipped, own.Place = true, Action{}.Place
		all[name] = &own
	}
	return all
}
