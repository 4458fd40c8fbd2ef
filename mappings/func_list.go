package mappings

import "slices"

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

func flat(e *env, args []value) []value {
	var out []value
	for _, a := range args {
		for v := range a.elements() {
			e.step()
			if nullLike(v) || len(out) >= maxElements {
				continue
			}
			if v.kind == list {
				out = append(out, flat(e, []value{v})...)
				continue
			}
			out = append(out, v)
		}
	}
	return out
}
