package mappings

import (
	"encoding/json"
	"math"
	"strings"
)

var numberFunctions = []Function{
	{Name: "number", Args: "value", Doc: "The value as a number, with its digits as they are.", least: 1, most: 1,
		run: func(_ *env, args []value) value {
			v := args[0]
			if v.kind == number {
				return v
			}
			f, ok := v.float()
			if !ok {
				return value{}
			}
			if s := strings.TrimSpace(v.text); json.Valid([]byte(s)) {
				return numberOf(s)
			}
			return floatOf(f)
		}},
	{Name: "round", Args: "number", Doc: "The nearest whole number.", least: 1, most: 1,
		run: func(_ *env, args []value) value {
			f, ok := args[0].float()
			if !ok {
				return value{}
			}
			return floatOf(math.Round(f))
		}},
	{Name: "max", Args: "number…", Doc: "The largest; lists are taken apart.", least: 1, most: -1, run: extreme(func(n int) bool { return n > 0 })},
	{Name: "min", Args: "number…", Doc: "The smallest; lists are taken apart.", least: 1, most: -1, run: extreme(func(n int) bool { return n < 0 })},
	{Name: "band", Args: "number, [from, name]…", Doc: `The name of the highest band that the number reaches: band(raw.score, [0, "low"], [70, "high"]).`, least: 2, most: -1,
		run: func(e *env, args []value) value {
			var best value
			most := math.Inf(-1)
			f, ok := args[0].float()
			for _, band := range args[1:] {
				from, ok2 := e.element(band, 0).float()
				if ok && ok2 && f >= from && from >= most {
					best, most = e.element(band, 1), from
				}
			}
			return best
		}},
	{Name: "scale", Args: "number, from, to", Doc: "A number of the range from…to on a scale of 0 to 100, rounded.", least: 3, most: 3,
		run: func(_ *env, args []value) value {
			f, ok := args[0].float()
			from, ok2 := args[1].float()
			to, ok3 := args[2].float()
			if !ok || !ok2 || !ok3 || from == to {
				return value{}
			}
			return floatOf(math.Round(math.Min(100, math.Max(0, 100*(f-from)/(to-from)))))
		}},
}

func extreme(better func(int) bool) func(*env, []value) value {
	return func(e *env, args []value) value {
		var best value
		base := e.flat(args)
		for _, v := range e.stack[base:] {
			if n, ok := compare(v, best); best.kind == absent || ok && better(n) {
				if _, isNumber := v.float(); isNumber || v.kind == moment {
					best = v
				}
			}
		}
		e.stack = e.stack[:base]
		return best
	}
}
