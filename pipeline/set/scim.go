package set

import (
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// scim is ssf with the rules of RFC 9967 for the events of SCIM.
var scim = ruleset{
	name:      "scim",
	types:     []string{setType},
	claims:    claims,
	alias:     noAlias, // upper-case URNs are read under every rule set (SCIM-11)
	statement: scimStatement,
	together:  oneTransaction,
	subject:   scimSubject,
}

const scimBase = "urn:ietf:params:scim:event:"

// scimName returns the part of a SCIM event URN that names the event, in lower
// case, catalogued or not; ok is false for other URIs.
func scimName(uri string) (name string, ok bool) {
	if len(uri) < len(scimBase) || !strings.EqualFold(uri[:len(scimBase)], scimBase) {
		return "", false
	}
	return strings.ToLower(uri[len(scimBase):]), true
}

// scimStatement adds what the payload's definition cannot say.
func scimStatement(r *reading, i int) error {
	s := &r.signal.Events[i]
	name, ok := scimName(s.URI)
	if !ok {
		return nil
	}
	requirement, problem := "", ""
	switch {
	case s.Body.Get("sub_id").Exists():
		requirement, problem = "SCIM-01", "names its subject in the payload; it belongs at the top level"
	case name == "prov:create" || name == "prov:put" || name == "prov:patch":
		requirement, problem = "SCIM-04", "does not say whether it is :full or :notice"
	case strings.HasPrefix(name, "prov:delete:"):
		requirement, problem = "SCIM-05", "is qualified; prov:delete has no qualifier"
	case name == "misc:asyncresp" && r.signal.Txn == "":
		requirement, problem = "SCIM-08", "needs the claim txn, which names the request"
	default:
		return nil
	}
	// What is not in the catalogue may be long.
	return r.reject(pipeline.InvalidRequest, requirement, "event "+clip(name)+" "+problem)
}

// oneTransaction lets a token state all that one transaction did to a resource,
// each statement an event of its own (SCIM-03). With events of other families
// the general rule holds.
func oneTransaction(r *reading) error {
	events := r.signal.Events
	if len(events) == 1 {
		return nil
	}
	for i := range events {
		if t := events[i].Type; t != event.Unknown && t.Family != "scim" {
			return sameEvent(r)
		}
	}
	for i := range events {
		t := events[i].Type
		for _, before := range events[:i] {
			// Another spelling of the same name (SCIM-11).
			events[i].Alternative = events[i].Alternative || t != event.Unknown && t == before.Type
		}
	}
	if states(r, "prov:delete") && states(r, "feed:remove") {
		return r.reject(pipeline.InvalidRequest, "SCIM-05", "event prov:delete must not be accompanied by feed:remove")
	}
	return nil
}

func states(r *reading, name string) bool {
	for i := range r.signal.Events {
		if r.signal.Events[i].Type.Name == name {
			return true
		}
	}
	return false
}

// scimSubject reads the primary subject. A resource is named by a path below
// the service provider's base URI (SCIM-02).
func scimSubject(r *reading) error {
	if err := primarySubject(r); err != nil {
		return err
	}
	s := r.signal.Subject
	if s.Format() == "scim" && !relativePath(s.Member("uri")) {
		return r.reject(pipeline.InvalidRequest, "SCIM-02", "sub_id.uri must be the relative path of the resource")
	}
	return nil
}

// relativePath reports whether a reference has neither scheme nor host
// (RFC 3986 4.2).
func relativePath(s string) bool {
	if strings.HasPrefix(s, "//") {
		return false
	}
	i := strings.IndexAny(s, ":/?#")
	return i < 0 || s[i] != ':'
}
