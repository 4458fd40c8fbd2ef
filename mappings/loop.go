package mappings

import "github.com/hashicorp/hcl/v2/hclsyntax"

func (c *compiler) splat(x *hclsyntax.SplatExpr) expr {
	of := c.expr(x.Source)
	var each expr
	n := c.within([]string{"*"}, func() { each = c.expr(x.Each) })
	return func(e *env) value {
		base := len(e.stack)
		for _, v := range e.elements(of(e)) {
			e.step()
			e.vars[n] = e.read(v)
			e.bind(n)
			if r := each(e); r.kind != absent {
				e.push(r)
			}
		}
		return e.seal(base)
	}
}

func (c *compiler) loop(x *hclsyntax.ForExpr) expr {
	of := c.expr(x.CollExpr)
	var key, val expr
	var wanted cond
	n := c.within([]string{x.KeyVar, x.ValVar}, func() {
		if x.KeyExpr != nil {
			key = c.expr(x.KeyExpr)
		}
		val = c.expr(x.ValExpr)
		if x.CondExpr != nil {
			wanted = c.cond(x.CondExpr)
		}
	})
	keyed := x.KeyVar != ""
	if x.Group {
		return func(e *env) value {
			base := len(e.stack)
			e.turns(of(e), n, keyed, wanted, func() {
				r := val(e)
				if r.kind == absent {
					return
				}
				if name, ok := key(e).string(); ok {
					e.push(textOf(name))
					e.push(r)
				}
			})
			return e.groups(base)
		}
	}
	if key != nil {
		return func(e *env) value {
			of := of(e)
			out := e.object(min(of.len(), maxRoom))
			e.turns(of, n, keyed, wanted, func() {
				r := val(e)
				if r.kind == absent {
					return
				}
				if name, ok := key(e).string(); ok {
					e.work(4*len(out.made.members) + len(r.text)) // which are looked through for the name
					m := e.member(name, r)
					if at := out.made.index(name); at < 0 {
						out.made.add(m.name, m.class, m.value)
					} else if !equal(out.made.members[at].value, r) {
						e.note(Note{Kind: Unreadable, Name: "for", Value: name})
					}
				}
			})
			return out
		}
	}
	return func(e *env) value {
		base := len(e.stack)
		e.turns(of(e), n, keyed, wanted, func() {
			if r := val(e); r.kind != absent {
				e.push(r)
			}
		})
		return e.seal(base)
	}
}

// groups makes an object of the pairs of a name and a value that were pushed since
// the stack had the given length: of each name a list of its values.
func (e *env) groups(base int) value {
	pairs := e.stack[base:]
	out := e.object(min(len(pairs)/2, maxRoom))
	for i := 0; i < len(pairs); i += 2 {
		first := pairs[i]
		if first.kind == absent { // in a list already
			continue
		}
		e.work(4 * len(pairs)) // which are looked through for the name
		from := len(e.stack)
		for j := i; j < len(pairs); j += 2 {
			if pairs[j].kind != absent && pairs[j].text == first.text {
				e.push(pairs[j+1])
				pairs[j] = value{}
			}
		}
		m := e.member(first.text, e.seal(from))
		out.made.add(m.name, m.class, m.value)
	}
	e.stack = e.stack[:base]
	return out
}

// turns calls f for each wanted member of an object, or element of anything else,
// with the n-th variable and the one after set: its name or position, if keyed,
// and its value.
func (e *env) turns(of value, n int, keyed bool, wanted cond, f func()) {
	if of.kind == object {
		for _, m := range e.members(of) {
			e.step()
			if keyed {
				e.vars[n] = e.read(textOf(m.name))
			}
			e.vars[n+1] = e.read(m.value)
			e.bind(n + 1)
			if wanted == nil || wanted(e) {
				f()
			}
		}
		return
	}
	for i, v := range e.elements(of) {
		e.step()
		if keyed {
			e.vars[n] = intOf(int64(i))
		}
		e.vars[n+1] = e.read(v)
		e.bind(n + 1)
		if wanted == nil || wanted(e) {
			f()
		}
	}
}
