package mappings

import "github.com/signalbox-dev/signalbox/pipeline/event"

// Subjects are made as objects of RFC 9493; what they lack is found when the
// event is made.

var subjectFunctions = []Function{
	{Name: "email", Args: "text", Doc: "A subject identified by e-mail address; absent if the text is none.", least: 1, most: 1,
		run: func(e *env, args []value) value {
			s, ok := args[0].string()
			a, isMail := mailAddress(s)
			if !ok || !isMail {
				return value{}
			}
			return e.subject("email", member{name: "email", value: textOf(a)})
		}},
	{Name: "opaque", Args: "text", Doc: "A subject identified by a name that only its maker understands, such as a device id.", least: 1, most: 1,
		run: func(e *env, args []value) value { return e.simple("opaque", "id", args[0]) }},
	{Name: "iss_sub", Args: "issuer, subject", Doc: "A subject identified as in a token of the issuer.", least: 2, most: 2,
		run: func(e *env, args []value) value {
			iss, ok := args[0].string()
			sub, ok2 := args[1].string()
			if !ok || !ok2 || nullLike(args[0]) || nullLike(args[1]) {
				return value{}
			}
			return e.subject("iss_sub", member{name: "iss", value: textOf(iss)}, member{name: "sub", value: textOf(sub)})
		}},
	{Name: "phone_number", Args: "text", Doc: "A subject identified by a telephone number with + and country.", least: 1, most: 1,
		run: func(e *env, args []value) value { return e.simple("phone_number", "phone_number", args[0]) }},
	{Name: "account_uri", Args: "text", Doc: "A subject identified by an acct: URI.", least: 1, most: 1,
		run: func(e *env, args []value) value { return e.simple("account", "uri", args[0]) }},
	{Name: "aliases", Args: "subject…", Doc: "One subject known by several identifiers; with one, that one.", least: 1, most: -1,
		run: func(e *env, args []value) value {
			base := e.flat(args)
			known := e.stack[base:base]
			for _, v := range e.stack[base:] {
				if v.kind == object {
					known = append(known, v)
				} else {
					e.noSubject("", v)
				}
			}
			e.stack = e.stack[:base+len(known)]
			switch len(known) {
			case 0:
				return value{}
			case 1:
				return known[0]
			}
			return e.subject("aliases", member{name: "identifiers", value: e.seal(base)})
		}},
	{Name: "complex", Args: "{user, device, session, …}", Doc: "A subject of several parts; absent when no part is there.", least: 1, most: 1,
		run: func(e *env, args []value) value {
			if args[0].kind != object || args[0].empty() {
				e.noSubject("", args[0])
				return value{}
			}
			out := e.object(min(1+args[0].len(), maxRoom))
			out.set(member{name: "format", value: textOf("complex")})
			for _, m := range e.members(args[0]) {
				if m.kind == object {
					out.set(m)
				} else {
					e.noSubject(m.name+": ", m.value)
				}
			}
			if len(out.made.members) == 1 {
				return value{}
			}
			return out
		}},
}

// noSubject notes a value that stands where a subject should.
func (e *env) noSubject(where string, v value) {
	if v.kind != object && !v.empty() {
		e.note(Note{Kind: NoSubject, Value: where + v.kind.String() + " is no subject; write email(), opaque()…"})
	}
}

func (e *env) subject(format string, members ...member) value {
	out := e.object(1 + len(members))
	out.made.members = append(append(out.made.members, member{name: "format", value: textOf(format)}), members...)
	return out
}

func (e *env) simple(format, name string, v value) value {
	s, ok := v.string()
	if !ok || nullLike(v) {
		return value{}
	}
	return e.subject(format, member{name: name, value: textOf(s)})
}

// madeSubject makes a subject of what the functions above give. It is not ok for
// other objects, and for what breaks a rule: what is wrong is found in the text.
func (e *env) madeSubject(v value) (s event.Subject, ok bool) {
	if v.kind != object || v.made.read.Exists() || len(v.made.members) < 2 {
		return s, false
	}
	format, members := v.made.members[0], v.made.members[1:]
	if format.name != "format" || format.kind != text {
		return s, false
	}
	var err error
	switch format.text {
	case "complex":
		var room [4]event.Part
		parts := room[:0]
		for i := range members {
			part, ok := e.madeSubject(members[i].value)
			if !ok {
				return s, false
			}
			parts = append(parts, event.Part{Name: members[i].name, Subject: part})
		}
		s, err = event.NewComplex(parts...)
	case "aliases":
		var room [4]event.Subject
		identifiers := room[:0]
		for _, m := range e.elements(members[0].value) {
			one, ok := e.madeSubject(m)
			if !ok {
				return s, false
			}
			identifiers = append(identifiers, one)
		}
		if len(members) > 1 || members[0].name != "identifiers" {
			return s, false
		}
		s, err = event.NewAliases(identifiers...)
	case "email", "opaque", "iss_sub", "phone_number", "account":
		var room [4]string
		pairs := room[:0]
		for i := range members {
			if members[i].kind != text {
				return s, false
			}
			pairs = append(pairs, members[i].name, members[i].text)
		}
		s, err = event.NewSimple(format.text, pairs...)
	default:
		return s, false
	}
	return s, err == nil
}
