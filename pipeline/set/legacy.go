package set

import (
	"math"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// legacy is ssf for issuers that still send shapes of earlier drafts. Each
// workaround is noted, and none is in the way once the issuer conforms
// (LEGACY-16).
var legacy = ruleset{
	name:      "legacy",
	types:     []string{setType, "jwt", ""},
	claims:    replaced(claims, claimRule{"txn", "LEGACY-13", pipeline.InvalidRequest, tolerantTransaction}),
	tolerant:  true,
	typed:     legacyType,
	alias:     legacyAlias,
	statement: legacyStatement,
	together:  sameEvent,
	subject:   liftedSubject,
}

// legacyType notes a type that is no SET's (LEGACY-15).
func legacyType(r *reading, mediaType string) {
	if mediaType != setType {
		r.apply("LEGACY-15")
	}
}

// legacyAlias reads the other spellings of the catalogue.
func legacyAlias(uri string) (requirement string, ok bool) {
	if strings.HasPrefix(uri, "https://schemas.openid.net/secevent/sse/") {
		return "LEGACY-10", true
	}
	return "LEGACY-11", true
}

// tolerantTransaction turns a number into the string it should have been.
func tolerantTransaction(r *reading, v strictjson.Value) string {
	if v.Kind() == strictjson.Number {
		r.signal.Txn = v.Number().String()
		r.apply("LEGACY-13")
		return ""
	}
	return transaction(r, v)
}

// liftedSubject takes the subject of a token without sub_id from the payload,
// where drafts before September 2023 had it (LEGACY-01). Several statements
// must agree on it.
func liftedSubject(r *reading) error {
	if r.text.Get("sub_id").Exists() {
		return primarySubject(r)
	}
	for i := range r.signal.Events {
		v := r.signal.Events[i].Body.Get("subject")
		if !v.Exists() {
			continue
		}
		s, err := r.parseSubject("subject", v, r.issuer.subject)
		if err != nil {
			return err
		}
		if !r.signal.Subject.IsZero() && s.Key() != r.signal.Subject.Key() {
			return r.reject(pipeline.InvalidRequest, "SET-12", "the events of the token have different subjects")
		}
		r.signal.Subject = s
		r.apply("LEGACY-01")
	}
	if r.signal.Subject.IsZero() {
		return primarySubject(r) // which says what is missing
	}
	return nil
}

// contextMembers are those of the white paper's examples that no standard
// defines for the events they are in (LEGACY-07).
var contextMembers = []string{"timestamp", "required_action", "reason"}

// legacyStatement notes what is extra in a payload and writes the rest in the
// form of the standard.
func legacyStatement(r *reading, i int) error {
	s := &r.signal.Events[i]
	if s.Type == event.Unknown {
		return nil
	}
	for _, name := range contextMembers {
		if s.Body.Get(name).Exists() && !defines(s.Type, name) {
			r.apply("LEGACY-07")
		}
	}
	if s.Body.Get("ips").Exists() && (s.Type.Name == "session-established" || s.Type.Name == "session-presented") {
		r.apply("LEGACY-12")
	}
	if at, ok := milliseconds(s.Body.Get("event_timestamp")); ok {
		s.Time = at
		r.apply("LEGACY-09")
	}
	body, err := conform(s.Type, s.Body)
	if err != nil {
		return r.reject(pipeline.InvalidRequest, "EVT-34", "event "+s.Type.Name+": "+err.Error())
	}
	s.Body = body
	return nil
}

func defines(t *event.Type, member string) bool {
	for i := range t.Fields {
		if t.Fields[i].Name == member {
			return true
		}
	}
	return false
}

// milliseconds reads a time that is too large to be seconds (EVT-06).
func milliseconds(v strictjson.Value) (time.Time, bool) {
	f, ok := v.Float()
	if !ok || f <= 1e11 || f > lastSecond*1e3 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(f))).UTC(), true
}

// conform rewrites what CheckWith and the time of the event let pass to the
// form of the standard, so that rules need to know one form only: messages
// without a language (LEGACY-14), underscores in credential types (LEGACY-08),
// milliseconds (LEGACY-09). Without such a member the body stays as received.
func conform(t *event.Type, body strictjson.Value) (strictjson.Value, error) {
	text := []byte{'{'}
	changed := false
	for name, v := range body.Members() {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = strictjson.AppendString(text, name)
		text = append(text, ':')
		better, ok := conformMember(t, name, v)
		if ok {
			text = append(text, better...)
		} else {
			text = append(text, v.Raw()...)
		}
		changed = changed || ok
	}
	if !changed {
		return body, nil
	}
	return strictjson.Parse(append(text, '}'), strictjson.DefaultLimits)
}

// conformMember returns the conforming text of a member that has another form.
func conformMember(t *event.Type, name string, v strictjson.Value) (text []byte, ok bool) {
	switch name {
	case "reason_admin", "reason_user":
		if v.Kind() != strictjson.String {
			return nil, false
		}
		text = append(text, `{"und":`...)
		text = append(text, v.Raw()...)
		return append(text, '}'), true
	case "credential_type":
		if value := v.Text(); strings.HasPrefix(value, "fido2_") && defines(t, name) {
			return strictjson.AppendString(nil, strings.ReplaceAll(value, "_", "-")), true
		}
	case "event_timestamp":
		if at, ok := milliseconds(v); ok {
			return appendSeconds(nil, at), true
		}
	}
	return nil, false
}
