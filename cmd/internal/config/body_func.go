package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// bodyFunctions are the functions of templates. All of them take null; try gives
// the first of its arguments that is no error.
var bodyFunctions = map[string]function.Function{
	"upper":    textCase(strings.ToUpper),
	"lower":    textCase(strings.ToLower),
	"coalesce": coalesce,
	"try":      tryfunc.TryFunc,
}

func textCase(change func(string) string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String, AllowNull: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].IsNull() {
				return args[0], nil
			}
			return cty.StringVal(change(args[0].AsString())), nil
		},
	})
}

// coalesce gives its first argument that is not null.
var coalesce = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "values", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
	Type:     function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		for _, v := range args {
			if !v.IsKnown() {
				return cty.DynamicVal, nil
			}
			if !v.IsNull() {
				return v, nil
			}
		}
		return cty.NullVal(cty.DynamicPseudoType), nil
	},
})
