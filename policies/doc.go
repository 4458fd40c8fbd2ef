// Package policies compiles the rules that turn events into actions, and runs
// them. It is the only place that knows the policy language, Rego.
//
// A policy set is a tree of files:
//
//	signals/<name>.rego        one rule: package signals.<name>, METADATA, documents
//	signals/<name>_test.rego   its tests: package signals.<name>_test
//	signals/<name>_cases.json  data of its tests, at data.cases.<name>
//	lib/<name>.rego            functions shared by rules: package lib.<name>
//	lists/<name>.json          an object, at data.lists.<name>
//
// A rule defines up to four documents: actions, facts, timers and notes. What it
// may read, call and return is fixed by a contract that Load checks in full; the
// input it sees is described by schema/input.schema.json, cut to what the rule
// declared that it is about (on) and that it reads (needs).
//
// A compiled Set is immutable, safe for concurrent use and pure: time and state
// come in with the input, no function reaches the network, a clock, a random
// source or the machine, and the budget of a document is counted in evaluation
// steps, which are the same everywhere. The same input gives the same decision.
//
// Most events concern no rule. They are turned away by a gate that asks the
// language's own rule index about the undecoded input; evaluation is entered
// only for bodies that could hold.
package policies
