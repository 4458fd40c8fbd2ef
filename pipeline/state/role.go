package state

import (
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// effect is what events of a type do to state, beside entering history.
type effect uint8

const (
	noEffect effect = iota
	noEntity        // about the stream, not about anybody
	enablesAccount
	disablesAccount
	purgesAccount
	changesEmployment
	changesRisk
	changesUserRisk
	changesDeviceRisk
	changesCompliance
	statesPosture
	concernsDevice
	establishesSession
	presentsSession
	revokesSession
	revokesAllSessions
	changesIdentifier
	recyclesIdentifier
)

// effects of the catalogue's types; dialects of a type share its effect.
var effects = func() map[*event.Type]effect {
	byName := map[string]effect{
		"account-enabled":          enablesAccount,
		"account-disabled":         disablesAccount,
		"account-purged":           purgesAccount,
		"prov:activate":            enablesAccount,
		"prov:deactivate":          disablesAccount,
		"prov:delete":              purgesAccount,
		"employment-change":        changesEmployment,
		"risk-level-change":        changesRisk,
		"user-risk-change":         changesUserRisk,
		"device-risk-change":       changesDeviceRisk,
		"device-compliance-change": changesCompliance,
		"posture":                  statesPosture,
		"device-lost":              concernsDevice,
		"session-established":      establishesSession,
		"session-presented":        presentsSession,
		"session-revoked":          revokesSession,
		"sessions-revoked":         revokesAllSessions,
		"identifier-changed":       changesIdentifier,
		"identifier-recycled":      recyclesIdentifier,
		"feed-health":              noEntity,
		"operator-command":         noEntity,
	}
	m := map[*event.Type]effect{}
	for _, t := range event.Types() {
		m[t] = byName[t.Name]
		if t.Family == "ssf" {
			m[t] = noEntity
		}
	}
	return m
}()

// roles are the parts of a subject by the entity they name; zero means none.
type roles struct {
	user, device, session event.Subject
	narrower              bool // further members narrow what is meant, such as an application
}

// rolesOf says who the subject of an event names. A complex subject says so
// itself; what a simple one names depends on the event.
func rolesOf(e *event.Event) (r roles) {
	s := e.Subject
	do := effects[e.Type]
	switch {
	case s.IsZero() || do == noEntity:
		return r
	case s.Format() == "complex":
		for name, part := range s.Parts() {
			switch name {
			case "user":
				r.user = part
			case "device":
				r.device = part
			case "session":
				r.session = part
			case "tenant", "org_unit", "group": // they contain the user and take nothing away
			default:
				r.narrower = true
			}
		}
	case namesToken(s), s.Format() == "opaque" && (do == establishesSession || do == presentsSession || do == revokesSession):
		r.session = s
	case do == changesRisk:
		switch principal(e) {
		case "USER":
			r.user = s
		case "DEVICE":
			r.device = s
		case "SESSION":
			r.session = s
		}
	case s.Format() == "ip-addresses":
	case s.Format() == "scim":
		if strings.Contains(s.Member("uri"), "/Users/") {
			r.user = s
		}
	case do == changesCompliance, do == statesPosture, do == concernsDevice, do == changesDeviceRisk:
		switch s.Format() {
		case "email", "iss_sub", "account", "phone_number", "aliases":
			r.user = s
		default:
			r.device = s
		}
	default:
		r.user = s
	}
	if (do == establishesSession || do == presentsSession) && r.session.IsZero() {
		if id := e.Body.Get("ext_id").Text(); id != "" && len(id) <= maxKey {
			if ext, err := event.NewSimple("opaque", "id", id); err == nil {
				r.session = ext
			}
		}
	}
	return r
}

// StatedDevice is the device that an event says something of: how it is, or
// that several identifiers are its own. It is absent where a device only narrows
// which of a user's sessions are meant.
func StatedDevice(e *event.Event) event.Subject {
	device := rolesOf(e).device
	switch do := effects[e.Type]; {
	case do == changesCompliance, do == statesPosture, do == concernsDevice, do == changesDeviceRisk,
		do == changesRisk && principal(e) == "DEVICE", device.Format() == "aliases":
		return device
	}
	return event.Subject{}
}

// namesToken reports whether the format names a session's token whatever the
// event is.
func namesToken(s event.Subject) bool {
	return s.Format() == "jwt_id" || s.Format() == "saml_assertion_id"
}

// principal of a risk-level-change, in upper case.
func principal(e *event.Event) string {
	return strings.ToUpper(e.Body.Get("principal").Text())
}
