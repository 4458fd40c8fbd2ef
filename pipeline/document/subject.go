package document

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// subject writes the subject identifier.
func (r *renderer) subject(raw json.RawMessage) {
	format, ok := formatOf(raw)
	if !ok {
		return
	}
	if format != "" {
		m := r.w.open("sub_id")
		r.w.text("format", format)
		r.w.close(m)
	}
	r.w.flattened("subject", raw)
}

// formatOf reads the format of a subject identifier; ok is false for what
// cannot be a flattened field. The form package event writes is known by its
// first bytes.
func formatOf(raw []byte) (format string, ok bool) {
	if rest, ok := bytes.CutPrefix(raw, []byte(`{"format":"`)); ok {
		if end := bytes.IndexByte(rest, '"'); end >= 0 && bytes.IndexByte(rest[:end], '\\') < 0 && bytes.Count(rest, []byte{'{'})+bytes.Count(rest, []byte{'['}) < flattenedDepth {
			return string(rest[:end]), true
		}
	}
	v, err := strictjson.Parse(raw, strictjson.Limits{Depth: flattenedDepth})
	return v.Get("format").Text(), err == nil && v.Kind() == strictjson.Object
}

// named gives the entities as the event itself names them, for events that were
// recorded without being resolved. What a simple subject names depends on the
// event; a format that may be anything is taken for a user. Events of the
// framework itself are about a stream, which is none of them.
func named(e *pipeline.EventPart, p *payload) (x pipeline.EntitiesPart) {
	var s event.Subject
	if e.Family == "ssf" || len(e.Subject) == 0 || s.UnmarshalJSON(e.Subject) != nil {
		return x
	}
	switch format := s.Format(); format {
	case "", "ip-addresses", "scim":
	case "complex":
		for name, part := range s.Parts() {
			switch name {
			case "user":
				x.User = entity(part)
			case "device":
				x.Device = entity(part)
			case "session":
				x.Session = entity(part)
			}
		}
	case "email", "account", "iss_sub", "phone_number", "aliases":
		x.User = entity(s)
	default:
		switch {
		case format == "jwt_id", format == "saml_assertion_id", p.principal == "session", strings.HasPrefix(e.Type, "session"):
			x.Session = entity(s)
		case p.principal == "device", strings.HasPrefix(e.Type, "device-"), e.Type == "posture":
			x.Device = entity(s)
		default:
			x.User = entity(s)
		}
	}
	return x
}

// entity is what a subject without a complex form tells of an entity.
func entity(s event.Subject) *pipeline.EntityPart {
	var e pipeline.EntityPart
	for id := range s.Identifiers() {
		key := id.EntityKey()
		if key == "" || slices.Contains(e.Keys, key) {
			continue
		}
		e.Keys = append(e.Keys, key)
		if id.Format() == "email" && e.Email == "" {
			e.Email = keyValue(key)
		}
	}
	if len(e.Keys) == 0 {
		return nil
	}
	e.ID = e.Keys[0]
	return &e
}
