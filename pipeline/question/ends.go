package question

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// Bounds of what is read to learn whose a session is, so that the query of all of
// it stays within query.MaxLength.
const (
	maxSightings = 1000
	maxOwners    = 4   // users, and devices
	maxOwner     = 256 // bytes of the id of one
)

// endings find the documents that end every session of a user, or all on a device,
// and so name none: what the product was told, and what its own actions brought
// about.
var endings = strings.Join([]string{
	"change.to:revoked AND " + anyOf("set.event_name", "session-revoked", "sessions-revoked"),
	"change.entity:user.account AND " + anyOf("change.to", "disabled", "purged"),
	"action.status:acked AND " + anyOf("action.event", "session-revoked", "sessions-revoked", "account-disabled", "account-purged", `"prov:deactivate"`, `"prov:delete"`),
}, " OR ")

// anyOf is the query of a field with any one of the values.
func anyOf(field string, values ...string) string {
	return "(" + field + ":" + strings.Join(values, " OR "+field+":") + ")"
}

// withEndings adds to the documents of a session those that ended all sessions of
// its user, or all on its device, since it was first seen. Whose it is is looked up
// however far back that was said.
func (a *asking) withEndings(about query.Query) (query.Query, error) {
	var users, devices []string
	since := ""
	ever := *a
	ever.request.From = time.Time{}
	err := ever.each(about, a.request.To, maxSightings, func(d hit) bool {
		if since == "" {
			since = stamp(d.Time)
		}
		users, devices = owner(users, d.text("user.id")), owner(devices, d.text("host.id"))
		return true
	})
	if err != nil && !errors.Is(err, errTooMany) {
		return query.Query{}, err
	}
	var owned []string
	if len(users) > 0 {
		owned = append(owned, anyOf("user.id", users...)+" AND NOT host.id:*")
	}
	if len(devices) > 0 {
		whose := "NOT user.id:*"
		if len(users) > 0 {
			whose = "(" + whose + " OR " + anyOf("user.id", users...) + ")"
		}
		owned = append(owned, anyOf("host.id", devices...)+" AND "+whose)
	}
	if len(owned) == 0 {
		return about, nil
	}
	return query.Parse(about.String() + " OR (" + strings.Join(owned, " OR ") + ") AND (" + endings + ") AND NOT session.id:* AND NOT tags:test AND @timestamp:>=" + quote(since))
}

// owner adds an id to those known, as long as there is room.
func owner(known []string, id string) []string {
	if id == "" || len(id) > maxOwner || len(known) == maxOwners || slices.Contains(known, quote(id)) {
		return known
	}
	return append(known, quote(id))
}
