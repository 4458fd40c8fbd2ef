package mappings

import (
	"slices"
	"strings"
)

// maxRange bounds what flatten and concat make.
const maxElements = 10_000

var listFunctions = []Function{
	{Name: "list", Args: "value…", Doc: "The values as one list; lists among them are taken apart, absent ones left out.", least: 1, most: -1,
		run: func(e *env, args []value) value { return e.seal(e.flat(args)) }},
	{Name: "distinct", Args: "value…", Doc: "As list, each value once.", least: 1, most: -1,
		run: func(e *env, args []value) value {
			base := e.flat(args)
			all, once := e.stack[base:], e.stack[base:base]
			for _, v := range all {
				if !slices.ContainsFunc(once, func(o value) bool { e.step(); return equal(o, v) }) {
					once = append(once, v)
				}
			}
			e.stack = e.stack[:base+len(once)]
			return e.seal(base)
		}},
	{Name: "merge_by", Args: `list, "name", …`, Doc: "The objects of the list, those that share a value of one of the named members made one. Of members that several have, the first present one counts.", least: 2, most: -1,
		run: mergeBy},
	{Name: "first", Args: "list", Doc: "The first element that is present; of anything else, itself.", least: 1, most: 1,
		run: func(e *env, args []value) value {
			for _, v := range e.elements(args[0]) {
				if !nullLike(v) {
					return v
				}
			}
			return value{}
		}},
	{Name: "last", Args: "list", Doc: "The last element that is present.", least: 1, most: 1,
		run: func(e *env, args []value) value {
			var out value
			for _, v := range e.elements(args[0]) {
				if !nullLike(v) {
					out = v
				}
			}
			return out
		}},
	{Name: "length", Args: "list", Doc: "How many elements or members there are.", least: 1, most: 1,
		run: func(_ *env, args []value) value { return intOf(int64(args[0].len())) }},
	{Name: "keys", Args: "object", Doc: "The names of its members.", least: 1, most: 1,
		run: func(e *env, args []value) value {
			base := len(e.stack)
			for _, m := range e.members(args[0]) {
				e.step()
				e.push(textOf(m.name))
			}
			return e.seal(base)
		}},
	{Name: "has", Args: "value", Doc: "Whether it is there and does not merely say that there is nothing.", least: 1, most: 1,
		run: func(_ *env, args []value) value { return boolOf(!nullLike(args[0]) && !args[0].empty()) }},
	{Name: "bool", Args: "value", Doc: "true or false of words: true, yes, y, 1, enabled; false, no, n, 0, disabled.", least: 1, most: 1,
		run: func(_ *env, args []value) value {
			s, ok := args[0].string()
			if !ok {
				return value{}
			}
			switch fold(s) {
			case "true", "yes", "y", "1", "enabled":
				return boolOf(true)
			case "false", "no", "n", "0", "disabled":
				return boolOf(false)
			}
			return value{}
		}},
}

// flat pushes the values and the elements of the lists among them, without those
// that say that there is nothing, and gives the place of the first.
func (e *env) flat(args []value) (base int) {
	base = len(e.stack)
	for _, a := range args {
		e.flatten(base, a)
	}
	return base
}

func (e *env) flatten(base int, v value) {
	if v.kind == list {
		for _, x := range e.elements(v) {
			e.flatten(base, x)
		}
		return
	}
	e.step()
	if !nullLike(v) && len(e.stack)-base < maxElements {
		e.push(v)
	}
}

// mergeBy makes one of the objects that share an identifier.
func mergeBy(e *env, args []value) value {
	names := make([]attr, 0, 8)
	for _, n := range args[1:] {
		names = append(names, attr{name: n.text, class: e.m.names.classOf(n.text)})
	}
	base := len(e.stack)
	for _, v := range e.elements(args[0]) {
		if v.kind != object {
			continue
		}
		one := e.object(v.len())
		for _, m := range e.members(v) {
			if !nullLike(m.value) {
				if m.class == classUnknown {
					m.class = e.m.names.classOf(m.name)
				}
				one.made.members = append(one.made.members, m)
			}
		}
		first := -1
		for i := base; i < len(e.stack); i++ {
			e.step()
			other := e.stack[i]
			if !sharesOne(other, one, names) {
				continue
			}
			if first < 0 {
				first = i
				e.complete(other, one)
				one = other
				continue
			}
			e.complete(one, other) // the new one shows that these two are one
			e.stack = slices.Delete(e.stack, i, i+1)
			i--
		}
		if first < 0 && len(e.stack)-base < maxElements {
			e.push(one)
		}
	}
	return e.seal(base)
}

func sharesOne(a, b value, names []attr) bool {
	for i := range names {
		x, ok := memberOf(a.made.members, &names[i]).string()
		y, ok2 := memberOf(b.made.members, &names[i]).string()
		if ok && ok2 && strings.EqualFold(x, y) {
			return true
		}
	}
	return false
}

// complete gives an object the members that only the other has.
func (e *env) complete(a, b value) {
	for _, m := range b.made.members {
		e.work(8 * a.len()) // which are looked through for the name
		if memberOf(a.made.members, &attr{name: m.name, class: m.class}).kind == absent {
			a.set(m)
		}
	}
}
