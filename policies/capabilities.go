package policies

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// allowed are the functions a rule may call. The list names what may be used
// rather than what may not: nothing in it reaches the network, the clock, a
// random source, the environment or a file, and nothing in it can run for long
// without being interrupted. schema/capabilities.json says the same to editors
// and other tools.
var allowed = strings.Fields(`
	abs array.concat array.flatten array.reverse array.slice assign
	base64.decode base64.encode base64url.decode base64url.encode_no_pad
	ceil concat contains count crypto.sha256 div endswith eq equal floor
	format_int glob.match glob.quote_meta gt gte hex.decode hex.encode indexof
	indexof_n internal.member_2 internal.member_3 internal.print
	internal.template_string internal.test_case intersection is_array is_boolean
	is_null is_number is_object is_set is_string json.filter json.is_valid
	json.marshal json.remove json.unmarshal lower lt lte max min minus mul
	neq net.cidr_contains net.cidr_intersects net.cidr_is_valid numbers.range
	numbers.range_step object.filter object.get object.keys object.remove
	object.subset object.union object.union_n or and plus print product regex.find_n
	regex.is_valid regex.match regex.replace regex.split rem replace round
	semver.compare semver.is_valid set_diff sort split sprintf startswith
	strings.any_prefix_match strings.any_suffix_match strings.count
	strings.replace_n strings.reverse substring sum time.parse_duration_ns
	time.parse_rfc3339_ns to_number trim trim_left trim_prefix trim_right
	trim_space trim_suffix type_name union units.parse units.parse_bytes upper
	urlquery.decode urlquery.encode uuid.parse
`)

// capabilities is the language rules are written in: Rego v1 with the allowed
// functions, later versions and keywords switched off.
func capabilities() *ast.Capabilities {
	all := ast.CapabilitiesForThisVersion()
	c := &ast.Capabilities{
		Features: slices.DeleteFunc(slices.Clone(all.Features), func(f string) bool { return strings.HasPrefix(f, "rego_v2") }),
		AllowNet: []string{}, // empty, not nil: nil is any host
	}
	for _, b := range all.Builtins {
		if slices.Contains(allowed, b.Name) {
			c.Builtins = append(c.Builtins, b)
		}
	}
	return c
}
