package mappings

// Subjects are made as objects of RFC 9493; what they lack is found when the
// event is made.

var subjectFunctions = []Function{
	{Name: "email", Args: "text", Doc: "A subject identified by e-mail address; absent if the text is none.", least: 1, most: 1,
		run: func(_ *env, args []value) value {
			s, ok := args[0].string()
			a, isMail := mailAddress(s)
			if !ok || !isMail {
				return value{}
			}
			return subject("email", member{"email", textOf(a)})
		}},
	{Name: "opaque", Args: "text", Doc: "A subject identified by a name that only its maker understands, such as a device id.", least: 1, most: 1,
		run: func(_ *env, args []value) value { return simple("opaque", "id", args[0]) }},
	{Name: "iss_sub", Args: "issuer, subject", Doc: "A subject identified as in a token of the issuer.", least: 2, most: 2,
		run: func(_ *env, args []value) value {
			iss, ok := args[0].string()
			sub, ok2 := args[1].string()
			if !ok || !ok2 || nullLike(args[0]) || nullLike(args[1]) {
				return value{}
			}
			return subject("iss_sub", member{"iss", textOf(iss)}, member{"sub", textOf(sub)})
		}},
	{Name: "phone_number", Args: "text", Doc: "A subject identified by a telephone number with + and country.", least: 1, most: 1,
		run: func(_ *env, args []value) value { return simple("phone_number", "phone_number", args[0]) }},
	{Name: "account_uri", Args: "text", Doc: "A subject identified by an acct: URI.", least: 1, most: 1,
		run: func(_ *env, args []value) value { return simple("account", "uri", args[0]) }},
	{Name: "aliases", Args: "subject…", Doc: "One subject known by several identifiers; with one, that one.", least: 1, most: -1,
		run: func(e *env, args []value) value {
			var known []value
			for _, v := range flat(e, args) {
				if v.kind == object {
					known = append(known, v)
				}
			}
			switch len(known) {
			case 0:
				return value{}
			case 1:
				return known[0]
			}
			return subject("aliases", member{"identifiers", listOf(known)})
		}},
	{Name: "complex", Args: "{user, device, session, …}", Doc: "A subject of several parts; absent when no part is there.", least: 1, most: 1,
		run: func(_ *env, args []value) value {
			if args[0].kind != object || args[0].empty() {
				return value{}
			}
			out := subject("complex")
			for k, v := range args[0].pairs() {
				if v.kind == object {
					out.set(k.text, v)
				}
			}
			if len(out.made.members) == 1 {
				return value{}
			}
			return out
		}},
}

func subject(format string, members ...member) value {
	return objectOf(append([]member{{"format", textOf(format)}}, members...))
}

func simple(format, name string, v value) value {
	s, ok := v.string()
	if !ok || nullLike(v) {
		return value{}
	}
	return subject(format, member{name, textOf(s)})
}
