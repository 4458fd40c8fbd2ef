package event

import "strings"

const scimBase = "urn:ietf:params:scim:event:"

// scimTypes are the events of RFC 9967.
func scimTypes() []*Type {
	version := text("version", "SCIM-04", "entity tag of the resource after the event")
	absent := func(name, requirement string) Field { return of(Absent, name, requirement, "not part of the event") }
	full := []Field{
		of(Object, "data", "SCIM-04", "the resource, or the request that changed it").must(),
		absent("attributes", "SCIM-04"), version,
	}
	notice := []Field{
		of(Strings, "attributes", "SCIM-04", "paths of the attributes touched").must(),
		absent("data", "SCIM-04"), version,
	}

	types := []*Type{
		{Name: "feed:add", Spec: "RFC 9967 2.3", Doc: "A resource joined the feed (SCIM-06)."},
		{Name: "feed:remove", Spec: "RFC 9967 2.3", Doc: "A resource left the feed (SCIM-06)."},
		{Name: "prov:create:full", Spec: "RFC 9967 2.4.1", Fields: full, Doc: "A resource was created, with its content."},
		{Name: "prov:create:notice", Spec: "RFC 9967 2.4.1", Fields: notice, Doc: "A resource was created."},
		{Name: "prov:patch:full", Spec: "RFC 9967 2.4.2", Fields: full, Doc: "A resource was changed, with the change."},
		{Name: "prov:patch:notice", Spec: "RFC 9967 2.4.2", Fields: notice, Doc: "A resource was changed."},
		{Name: "prov:put:full", Spec: "RFC 9967 2.4.3", Fields: full, Doc: "A resource was replaced, with its content."},
		{Name: "prov:put:notice", Spec: "RFC 9967 2.4.3", Fields: notice, Doc: "A resource was replaced."},
		{Name: "prov:delete", Spec: "RFC 9967 2.4.4", Doc: "A resource was deleted.",
			Fields: []Field{absent("data", "SCIM-05"), absent("attributes", "SCIM-05")}},
		{Name: "prov:activate", Spec: "RFC 9967 2.4.5", Doc: "A resource is ready for use."},
		{Name: "prov:deactivate", Spec: "RFC 9967 2.4.6", Concepts: []string{"account-disabled"},
			Doc: "A resource was disabled; typically its sessions have ended (SCIM-07)."},
		{Name: "misc:asyncresp", Spec: "RFC 9967 2.5.1.3", Doc: "An asynchronous request was carried out or failed.",
			Fields: []Field{
				oneOf("method", "SCIM-08", "HTTP method of the request", "POST", "PUT", "PATCH", "DELETE").must(),
				text("status", "SCIM-08", "HTTP status code").must(),
				text("version", "SCIM-08", "entity tag of the resource after the operation"),
				text("location", "SCIM-08", "where the resource is"),
				text("bulkId", "SCIM-08", "bulk id of the operation"),
				of(Object, "response", "SCIM-08", "error body of a failed operation"),
			}},
	}
	upper := strings.Replace(scimBase, "scim", "SCIM", 1)
	for _, t := range types {
		t.URI, t.Family, t.Status = scimBase+t.Name, "scim", "final"
		t.Aliases = []string{upper + t.Name}
		t.SubjectFormats = []string{"scim"}
	}
	return types
}
