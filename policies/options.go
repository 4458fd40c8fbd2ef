package policies

import (
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// The defaults of Options.
const (
	DefaultSteps = 20_000
	DefaultClock = 2 * time.Second
)

// Options is what a configuration says about its policies. The zero value is
// the shipped pack as it is, with any action type allowed.
type Options struct {
	Root        string                 // how problems name the directory given to Load, "policies" if empty
	Bare        bool                   // leave the shipped pack out
	ActionTypes []string               // the declared action types; nil: not checked
	Rules       map[string]RuleOptions // by rule name
	Steps       int                    // evaluation steps of one document of one rule, 0 for DefaultSteps
	Clock       time.Duration          // safety net far above the steps, 0 for DefaultClock; its use is an error that says so

	extra map[string][]byte // files by path that stand over the user's
}

// RuleOptions changes one rule. Mode can be lowered only.
type RuleOptions struct {
	Mode     pipeline.Mode   // "" keeps the rule's own
	Limit    *pipeline.Limit // nil keeps the rule's own
	Disabled bool
}

func (o Options) steps() int {
	if o.Steps > 0 {
		return o.Steps
	}
	return DefaultSteps
}

func (o Options) clock() time.Duration {
	if o.Clock > 0 {
		return o.Clock
	}
	return DefaultClock
}

// ShippedActionTypes are the action types that the shipped configuration
// declares and the shipped rules may ask for, sorted.
var ShippedActionTypes = []string{
	"credential-compromise", "device-noncompliant", "disable-account", "enable-account", "lower-risk", "notify",
	"raise-risk", "require-credential-change", "restore-access", "restrict-access", "revoke-session", "step-up",
}
