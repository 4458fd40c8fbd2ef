package document

import (
	"net/url"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// entities writes the user, device and session a document is about. risk is the
// level the source states, with whose it is.
func (r *renderer) entities(x pipeline.EntitiesPart, p *payload, name string) {
	w := &r.w
	userRisk, deviceRisk := staticRisk(name, p)
	if u := x.User; u != nil {
		m := w.open("user")
		w.text("id", u.ID)
		w.text("name", userName(u))
		w.text("email", u.Email)
		if _, domain, ok := strings.Cut(u.Email, "@"); ok {
			w.text("domain", domain)
		}
		w.risk(userRisk)
		w.close(m)
	}
	if d := x.Device; d != nil {
		m := w.open("host")
		w.text("id", bare(d))
		w.text("name", d.Name)
		w.risk(deviceRisk)
		w.close(m)
		m = w.open("device")
		w.text("id", bare(d))
		w.close(m)
	}
	if s := x.Session; s != nil {
		m := w.open("session")
		w.text("id", bare(s))
		w.texts("keys", r.identifiers(s)...)
		w.close(m)
	}
}

func (w *writer) risk(level string) {
	if level != "" {
		m := w.open("risk")
		w.text("static_level", level)
		w.close(m)
	}
}

// staticRisk gives a stated risk in the words of the schema.
func staticRisk(name string, p *payload) (user, device string) {
	var level string
	switch p.currentLevel {
	case "low":
		level = "Low"
	case "medium":
		level = "Moderate"
	case "high":
		level = "High"
	}
	switch {
	case name == "user-risk-change", name == "risk-level-change" && p.principal == "user":
		return level, ""
	case name == "device-risk-change", name == "risk-level-change" && p.principal == "device":
		return "", level
	}
	return "", ""
}

// related writes every identifier known, for pivots.
func (r *renderer) related(x pipeline.EntitiesPart, ip string) {
	w := &r.w
	m := w.open("related")
	if x.User != nil {
		w.texts("user", r.identifiers(x.User)...)
	}
	if x.Device != nil {
		w.texts("hosts", r.identifiers(x.Device)...)
	}
	if ip != "" {
		w.texts("ip", ip)
	}
	w.close(m)
}

// identifiers lists everything the entity is known by: best name, e-mail
// address, entity id, canonical keys, and the values in them.
// The list is good until the next call for another entity.
func (r *renderer) identifiers(e *pipeline.EntityPart) []string {
	if r.listed == e {
		return r.scratch
	}
	list := append(r.scratch[:0], e.Email, e.Name)
	for _, k := range e.Keys {
		list = append(list, keyValue(k), k)
	}
	list = append(list, e.ID)
	n := 0
	for _, s := range list {
		if s != "" && !slices.Contains(list[:n], s) {
			list[n] = s
			n++
		}
	}
	r.listed, r.scratch = e, list[:n]
	return r.scratch
}

// userName is never empty for a user: other tools key their views on it.
func userName(u *pipeline.EntityPart) string {
	return first(u.Email, u.Name, bare(u))
}

// label is what people call an entity.
func label(e *pipeline.EntityPart) string { return first(e.Name, bare(e)) }

// bare is the identifier of an entity without its format: the value of its
// first key, else its id.
func bare(e *pipeline.EntityPart) string {
	for _, k := range e.Keys {
		if v := keyValue(k); v != "" {
			return v
		}
	}
	return e.ID
}

// keyValue is the value in the canonical key of a simple subject: what stands
// behind the format, and behind the issuer where there is one. It is "" for
// other keys.
func keyValue(key string) string {
	format, value, ok := strings.Cut(key, ":")
	if !ok || format == "complex" || format == "aliases" {
		return ""
	}
	if format == "account" {
		value = strings.TrimPrefix(value, "acct:")
	}
	if i := strings.LastIndexByte(value, '|'); i >= 0 {
		value = value[i+1:]
	}
	if plain, err := url.PathUnescape(value); err == nil {
		return plain
	}
	return value
}

// who names whom a document is about, for its message; "" if nobody is known.
func who(x pipeline.EntitiesPart, deviceFirst bool) string {
	switch {
	case x.Device != nil && (deviceFirst || x.User == nil):
		if x.User != nil {
			return label(x.Device) + " of " + userName(x.User)
		}
		return label(x.Device)
	case x.User != nil:
		return userName(x.User)
	case x.Session != nil:
		return "session " + bare(x.Session)
	}
	return ""
}
