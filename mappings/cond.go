package mappings

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// cond compiles an expression whose only question is whether it holds.
func (c *compiler) cond(x hclsyntax.Expression) cond {
	switch x := x.(type) {
	case *hclsyntax.ParenthesesExpr:
		return c.cond(x.Expression)
	case *hclsyntax.UnaryOpExpr:
		if x.Op == hclsyntax.OpLogicalNot {
			of := c.cond(x.Val)
			return func(e *env) bool { return !of(e) }
		}
	case *hclsyntax.BinaryOpExpr:
		if f := c.relation(x); f != nil {
			return f
		}
	case *hclsyntax.FunctionCallExpr:
		if f := c.test(x); f != nil {
			return f
		}
	}
	of := c.expr(x)
	c.mayHold(x)
	return func(e *env) bool { return of(e).holds() }
}

// answer is a condition as a value.
func answer(f cond) expr { return func(e *env) value { return boolOf(f(e)) } }

// relation compiles the operators that give true or false, nil for others.
func (c *compiler) relation(x *hclsyntax.BinaryOpExpr) cond {
	ordered := func(holds func(int) bool) cond {
		l, r := c.expr(x.LHS), c.expr(x.RHS)
		c.comparable(x)
		return func(e *env) bool {
			n, ok := compare(l(e), r(e))
			return ok && holds(n)
		}
	}
	switch x.Op {
	case hclsyntax.OpLogicalAnd:
		l, r := c.cond(x.LHS), c.cond(x.RHS)
		return func(e *env) bool { return l(e) && r(e) }
	case hclsyntax.OpLogicalOr:
		l, r := c.cond(x.LHS), c.cond(x.RHS)
		return func(e *env) bool { return l(e) || r(e) }
	case hclsyntax.OpEqual:
		return c.equals(x)
	case hclsyntax.OpNotEqual:
		same := c.equals(x)
		return func(e *env) bool { return !same(e) }
	case hclsyntax.OpGreaterThan:
		return ordered(func(n int) bool { return n > 0 })
	case hclsyntax.OpGreaterThanOrEqual:
		return ordered(func(n int) bool { return n >= 0 })
	case hclsyntax.OpLessThan:
		return ordered(func(n int) bool { return n < 0 })
	case hclsyntax.OpLessThanOrEqual:
		return ordered(func(n int) bool { return n <= 0 })
	}
	return nil
}

func (c *compiler) equals(x *hclsyntax.BinaryOpExpr) cond {
	l, r := c.expr(x.LHS), c.expr(x.RHS)
	c.comparable(x)
	return func(e *env) bool {
		a, b := l(e), r(e)
		e.work(min(len(a.text), len(b.text)))
		return equal(a, b)
	}
}

func (c *compiler) unary(x *hclsyntax.UnaryOpExpr) expr {
	if x.Op == hclsyntax.OpLogicalNot {
		return answer(c.cond(x))
	}
	of := c.expr(x.Val)
	c.calculable(x.Val)
	return func(e *env) value {
		if f, ok := of(e).float(); ok {
			return floatOf(-f)
		}
		return value{}
	}
}

func (c *compiler) binary(x *hclsyntax.BinaryOpExpr) expr {
	if f := c.relation(x); f != nil {
		return answer(f)
	}
	l, r := c.expr(x.LHS), c.expr(x.RHS)
	if x.Op == hclsyntax.OpAdd {
		for _, side := range []hclsyntax.Expression{x.LHS, x.RHS} {
			if _, text := unwrap(side).(*hclsyntax.TemplateExpr); text {
				return c.fault(x.Range(), "text in a sum", `+ adds numbers; texts are put together by a template, "${raw.a} ${raw.b}".`)
			}
		}
	}
	c.calculable(x.LHS, x.RHS)
	computed := func(f func(a, b float64) float64) expr {
		return func(e *env) value {
			a, ok := l(e).float()
			b, ok2 := r(e).float()
			if !ok || !ok2 {
				return value{}
			}
			return floatOf(f(a, b))
		}
	}
	switch x.Op {
	case hclsyntax.OpAdd:
		return computed(func(a, b float64) float64 { return a + b })
	case hclsyntax.OpSubtract:
		return computed(func(a, b float64) float64 { return a - b })
	case hclsyntax.OpMultiply:
		return computed(func(a, b float64) float64 { return a * b })
	case hclsyntax.OpDivide:
		return computed(func(a, b float64) float64 { return a / b })
	}
	return c.fault(x.Range(), "unsupported operator", "Use && || ! == != < <= > >= + - * or /.")
}
