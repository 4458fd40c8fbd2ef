package document

import (
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// payload is what documents lift from an event's body. Words of a vocabulary
// are in lower case.
type payload struct {
	previousLevel, currentLevel   string
	previousStatus, currentStatus string
	credentialType, changeType    string
	principal, initiating         string
	reasonAdmin, reasonUser       string
	reason                        string // the source's own: risk_reason, reason
	severity, title, outcome      string // local family
	action                        string // activity
	disposition, verdict          string // alert: what the product did, what its handling found
	status, failed                string // posture: compliance, the checks that failed
	sourceIP                      string // activity
	flat                          bool   // the body fits a flattened field
}

// flattenedDepth is how deep a flattened field may be nested.
const flattenedDepth = 20

// longestReason bounds the reasons copied out of a payload, in bytes.
const longestReason = 1024

// lift reads an event's body. A body that cannot be read, or is nested too deep
// for a flattened field, gives the zero payload.
func lift(raw []byte) (p payload) {
	if len(raw) <= len("{}") {
		p.flat = true
		return p
	}
	body, err := strictjson.Parse(raw, strictjson.Limits{Depth: flattenedDepth})
	if err != nil || body.Kind() != strictjson.Object {
		return p
	}
	return payload{
		previousLevel:  word(body, "previous_level"),
		currentLevel:   word(body, "current_level"),
		previousStatus: word(body, "previous_status"),
		currentStatus:  word(body, "current_status"),
		credentialType: word(body, "credential_type"),
		changeType:     word(body, "change_type"),
		principal:      word(body, "principal"),
		initiating:     word(body, "initiating_entity"),
		reasonAdmin:    message(body.Get("reason_admin")),
		reasonUser:     message(body.Get("reason_user")),
		reason:         clip(first(body.Get("risk_reason").Text(), body.Get("reason").Text())),
		severity:       word(body, "severity"),
		title:          clip(body.Get("title").Text()),
		outcome:        word(body, "outcome"),
		action:         clip(body.Get("action").Text()),
		disposition:    word(body, "disposition"),
		verdict:        word(body, "verdict"),
		status:         word(body, "status"),
		failed:         clip(listed(body.Get("failed_checks"))),
		sourceIP:       clip(body.Get("source_ip").Text()),
		flat:           true,
	}
}

// why is the best reason for a timeline.
func (p *payload) why() string { return first(p.reasonAdmin, p.reason, p.reasonUser) }

func word(body strictjson.Value, name string) string {
	return strings.ToLower(clip(body.Get(name).Text()))
}

// message is the text of a reason given per language: English if it is there,
// else the first.
func message(v strictjson.Value) string {
	if v.Kind() == strictjson.String {
		return clip(v.Text())
	}
	best := ""
	for tag, text := range v.Members() {
		if best == "" || tag == "en" {
			best = text.Text()
		}
	}
	return clip(best)
}

// listed are the texts of a list, one after the other.
func listed(v strictjson.Value) string {
	var all []string
	for e := range v.Elements() {
		if s := e.Text(); s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, ", ")
}

// clip shortens text to longestReason without cutting a character.
func clip(s string) string {
	if len(s) <= longestReason {
		return s
	}
	return strings.ToValidUTF8(s[:longestReason], "") + "…"
}

// first is the first string that is not empty.
func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
