package state

import (
	"strconv"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Change is what an event changes, or would have changed had it come in time.
type Change struct {
	Entity  string // user.account, user.risk, device.compliance, device.risk or session
	From    string // value before, unknown if nothing was known
	To      string
	Applied bool // false: something newer is known and stays (F-14)
}

// Late reports whether the event came after news that is newer than it.
func (c *Change) Late() bool { return !c.Applied }

// AppendJSON appends the change as a JSON object.
func (c *Change) AppendJSON(b []byte) []byte {
	b = append(b, `{"entity":`...)
	b = strictjson.AppendString(b, c.Entity)
	b = append(b, `,"from":`...)
	b = strictjson.AppendString(b, c.From)
	b = append(b, `,"to":`...)
	b = strictjson.AppendString(b, c.To)
	b = append(b, `,"applied":`...)
	b = strconv.AppendBool(b, c.Applied)
	return append(b, '}')
}

// statement is what an event says about one standing of a user or device.
type statement struct {
	entity string // as in Change
	value  string
	reason string
}

// statementOf reads an event's statement; ok is false if it makes none.
func statementOf(e *event.Event) (s statement, ok bool) {
	s.reason = clip(reasonOf(e.Body), maxReason)
	switch effects[e.Type] {
	case enablesAccount:
		s.entity, s.value = "user.account", "enabled"
	case disablesAccount:
		s.entity, s.value = "user.account", "disabled"
	case purgesAccount:
		s.entity, s.value = "user.account", "purged"
	case changesEmployment:
		// Only the end of employment speaks of the account. Whoever comes or
		// comes back gets it when the directory says so.
		if e.Body.Get("change").Text() != "terminated" {
			return s, false
		}
		s = statement{"user.account", "disabled", "terminated"}
	case changesRisk:
		s.value = riskLevel(e)
		switch principal(e) {
		case "USER":
			s.entity = "user.risk"
		case "DEVICE":
			s.entity = "device.risk"
		}
	case changesUserRisk:
		s.entity, s.value = "user.risk", riskLevel(e)
	case changesDeviceRisk:
		s.entity, s.value = "device.risk", riskLevel(e)
	case changesCompliance:
		s.entity, s.value = "device.compliance", compliance(e.Body.Get("current_status").Text())
	case statesPosture:
		s.entity, s.value = "device.compliance", compliance(e.Body.Get("status").Text())
	}
	return s, s.entity != "" && s.value != ""
}

// riskLevel reads both the standard's levels and Okta's, which tell a secure
// principal from one without a rating.
func riskLevel(e *event.Event) string {
	switch l := strings.ToLower(e.Body.Get("current_level").Text()); l {
	case "low", "medium", "high":
		return l
	case "secure":
		return "low"
	case "none":
		return unknown
	}
	return ""
}

func compliance(status string) string {
	switch s := strings.ToLower(status); s {
	case "compliant", "not-compliant":
		return s
	}
	return ""
}

// standing finds what a statement is about; nil if the event names no such
// entity.
func (v *View) standing(entity string) *standing {
	side, what, _ := strings.Cut(entity, ".")
	x := v.user.entity
	if side == "device" {
		x = v.device.entity
	}
	switch {
	case x == nil:
		return nil
	case what == "account":
		return &x.account
	case what == "compliance":
		return &x.compliance
	}
	return x.risk(v.e.Issuer)
}

// peek finds the change the event makes, without making it.
func (v *View) peek() *Change {
	if v.stated {
		s := v.standing(v.statement.entity)
		if s == nil {
			return nil
		}
		return change(v.statement.entity, s.now(), v.statement.value, v.foreign || s.late(v.at))
	}
	from, to, late := v.peekSessions()
	if to == "" {
		return nil
	}
	return change("session", from, to, v.foreign || late)
}

func change(entity, from, to string, late bool) *Change {
	if from == to && !late {
		return nil
	}
	return &Change{Entity: entity, From: from, To: to, Applied: !late}
}

// peekSessions says what the event does to sessions; to is "" if nothing.
func (v *View) peekSessions() (from, to string, late bool) {
	switch target := v.ending(); {
	case v.sighting != nil:
		from, late = v.inventory.peek(v.sighting)
		if from != unknown && !late && !v.sighting.established {
			return "", "", false // a session in use stays what it is
		}
		return from, "live", late
	case target == oneSession:
		from = unknown
		if r := v.inventory.find(v.x.session.id, "", false); r != nil {
			from, late = r.state(), r.began() > v.at
		}
		return from, "revoked", late
	case target == sessionsOfUser:
		from, late = v.inventory.peekEnd("", v.at)
		return from, "revoked", late
	case target == sessionsOfUserOnDevice:
		from, late = v.inventory.peekEnd(v.device.id, v.at)
		return from, "revoked", late
	case target == sessionsOnDevice:
		return unknown, "revoked", v.device.entity.sessionsEnded > v.at
	}
	return "", "", false
}
