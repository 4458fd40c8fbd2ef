package config

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// subjectValue is a subject identifier as templates see it: the members it has
// and no others. Of several identifiers, the first that has a member gives it.
func subjectValue(s event.Subject) cty.Value {
	members := identifierValues(s)
	for name, part := range s.Parts() {
		members[name] = cty.ObjectVal(identifierValues(part))
	}
	return cty.ObjectVal(members)
}

func identifierValues(s event.Subject) map[string]cty.Value {
	members := map[string]cty.Value{"format": cty.StringVal(s.Format())}
	for id := range s.Identifiers() {
		for name, value := range id.Members() {
			if _, taken := members[name]; !taken {
				members[name] = cty.StringVal(value)
			}
		}
	}
	return members
}

// userValue is what is known of a user.
func userValue(e *pipeline.EntityPart) cty.Value {
	members := entityMembers(e)
	if e == nil {
		return cty.ObjectVal(members)
	}
	if e.Email != "" {
		members["email"] = cty.StringVal(e.Email)
	}
	subs := map[string]cty.Value{}
	for _, k := range e.Keys {
		if s, err := event.ParseKey(k); err == nil && s.Format() == "iss_sub" {
			subs[s.Member("iss")] = cty.StringVal(s.Member("sub"))
		}
	}
	members["sub"] = cty.ObjectVal(subs)
	return cty.ObjectVal(members)
}

// entityValue is what is known of a device or a session.
func entityValue(e *pipeline.EntityPart) cty.Value { return cty.ObjectVal(entityMembers(e)) }

func entityMembers(e *pipeline.EntityPart) map[string]cty.Value {
	members := map[string]cty.Value{}
	if e == nil {
		return members
	}
	members["id"] = cty.StringVal(e.ID)
	if e.Name != "" {
		members["name"] = cty.StringVal(e.Name)
	}
	return members
}
