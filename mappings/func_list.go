package mappings

import (
	"slices"
	"strings"
)

// maxRange bounds what flatten and concat make.
const maxElements = 10_000

var listFunctions = []Function{
	{Name: "list", Args: "value…", Doc: "The values as one list; lists among them are taken apart, absent ones left out.", least: 1, most: -1,
		run: func(e *env, args []value) value { return listOf(flat(e, args)) }},
	{Name: "distinct", Args: "value…", Doc: "As list, each value once.", least: 1, most: -1,
		run: func(e *env, args []value) value {
			var out []value
			for _, v := range flat(e, args) {
				if !slices.ContainsFunc(out, func(o value) bool { e.step(); return equal(o, v) }) {
					out = append(out, v)
				}
			}
			return listOf(out)
		}},
	{Name: "merge_by", Args: `list, "name", …`, Doc: "The objects of the list, those that share a value of one of the named members made one. Of members that several have, the first present one counts.", least: 2, most: -1,
		run: mergeBy},
	{Name: "first", Args: "list", Doc: "The first element that is present; of anything else, itself.", least: 1, most: 1,
		run: func(_ *env, args []value) value {
			for v := range args[0].elements() {
				if !nullLike(v) {
					return v
				}
			}
			return value{}
		}},
	{Name: "last", Args: "list", Doc: "The last element that is present.", least: 1, most: 1,
		run: func(_ *env, args []value) value {
			var out value
			for v := range args[0].elements() {
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
			var out []value
			if args[0].kind == object {
				for k := range args[0].pairs() {
					e.step()
					out = append(out, k)
				}
			}
			return listOf(out)
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

// flat are the values and the elements of the lists among them, without those
// that say that there is nothing.
func flat(e *env, args []value) []value {
	var out []value
	for _, a := range args {
		out = e.flatten(out, a, len(args))
	}
	return out
}

// flatten appends a value, or what is in a list. most is how many values may be
// expected in all.
func (e *env) flatten(out []value, v value, most int) []value {
	if v.kind == list {
		for x := range v.elements() {
			out = e.flatten(out, x, most)
		}
		return out
	}
	e.step()
	if nullLike(v) || len(out) >= maxElements {
		return out
	}
	if out == nil {
		out = make([]value, 0, most)
	}
	return append(out, v)
}

// mergeBy makes one of the objects that share an identifier.
func mergeBy(e *env, args []value) value {
	var out []value
	for v := range args[0].elements() {
		if v.kind != object {
			continue
		}
		members := make([]member, 0, v.len())
		for k, m := range v.pairs() {
			if !nullLike(m) {
				members = append(members, member{k.text, m})
			}
		}
		one := objectOf(members)
		first := -1
		for i := 0; i < len(out); i++ {
			e.step()
			if !sharesOne(out[i], one, args[1:]) {
				continue
			}
			if first < 0 {
				first = i
				e.complete(out[i], one)
				one = out[i]
				continue
			}
			e.complete(one, out[i]) // the new one shows that these two are one
			out = slices.Delete(out, i, i+1)
			i--
		}
		if first < 0 && len(out) < maxElements {
			out = append(out, one)
		}
	}
	return listOf(out)
}

func sharesOne(a, b value, names []value) bool {
	for _, n := range names {
		x, ok := a.attribute(n.text).string()
		y, ok2 := b.attribute(n.text).string()
		if ok && ok2 && strings.EqualFold(x, y) {
			return true
		}
	}
	return false
}

// complete gives an object the members that only the other has.
func (e *env) complete(a, b value) {
	for k, m := range b.pairs() {
		e.work(8 * a.len()) // which are looked through for the name
		if a.attribute(k.text).kind == absent {
			a.set(k.text, m)
		}
	}
}
