package hcltext

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What is said of mistakes that other languages lead to.
const (
	sayChoice = `HCL has no if; a choice is written condition ? value : other.`
	sayLoop   = `A loop is written [for x in list : value if condition] or, for an object, {for x in list : key => value if condition}.`
	sayFilter = `Within for, the condition goes last: [for x in list : value if condition].`
	sayLogic  = `Conditions are put together by && and ||, and turned by !.`
	sayEqual  = `Equality is asked by ==, inequality by !=.`
	sayOneOf  = `There is no such operator: compare with ==, or call a function, such as contains(text, part) or is(value, "one", "another") in a mapping.`
	sayElse   = `The first of several that is there is coalesce(a, b).`
	sayAbsent = `HCL has no such sign; in a mapping, a member of what is not there is not there either.`
	sayCall   = `A function is called with its value, such as lower(value).`
	sayIndex  = `A name with other characters stands in brackets and quotes: value["@odata.type"].`
	sayValue  = `${…} belongs into a text in quotes; alone, write the name as it is.`
	sayClose  = `Or the call lacks its closing bracket.`
	sayText   = `Perhaps its closing quote is missing.`
	sayLines  = `An expression ends with its line; to go over several, put it in round brackets.`
)

// words are those of other languages, by what is said of them.
var words = map[string]string{
	"if": sayChoice, "then": sayChoice, "else": sayChoice, "elif": sayChoice, "match": sayChoice, "case": sayChoice, "switch": sayChoice, "unless": sayChoice,
	"for": sayLoop, "foreach": sayLoop,
	"and": sayLogic, "or": sayLogic, "not": sayLogic,
	"in": sayOneOf, "contains": sayOneOf, "matches": sayOneOf, "like": sayOneOf, "startswith": sayOneOf, "endswith": sayOneOf, "is": sayOneOf,
}

// signs are two tokens in a row that HCL does not have, by what is said of them.
var signs = map[string]string{
	"??": sayElse, "?:": sayElse, "?.": sayAbsent, "<>": sayEqual, "===": sayEqual, "!==": sayEqual, "=~": sayOneOf, "=>": sayLoop,
}

// operators are those that a line cannot begin or end with.
var operators = []string{"&&", "||", "?", ":", "+", "-", "*", "/", "==", "!="}

// explain adds to a problem of the parser how what was meant is written.
func explain(d *hcl.Diagnostic, tokens hclsyntax.Tokens) {
	if d.Summary == cutText {
		d.Detail = sayText + " " + d.Detail
		return
	}
	at, found := slices.BinarySearchFunc(tokens, d.Subject.Start.Byte, func(t hclsyntax.Token, byte int) int { return t.Range.Start.Byte - byte })
	if !found {
		return
	}
	if say := advice(d.Summary, tokens, at); say != "" {
		d.Detail += " " + say
	}
}

func advice(summary string, tokens hclsyntax.Tokens, at int) string {
	text := func(i int) string {
		if i < 0 || i >= len(tokens) {
			return "\n"
		}
		return string(tokens[i].Bytes)
	}
	here, before := text(at), text(at-1)
	switch summary {
	case "Invalid 'for' expression":
		if here == "if" || before == "if" || here == "where" {
			return sayFilter
		}
		return sayLoop
	case "Invalid attribute name":
		return sayIndex
	case "Missing argument separator":
		return sayClose
	case "Missing false expression in conditional":
		return sayChoice + " What has no other value has null."
	}
	for _, sign := range []string{before + here, here + text(at+1)} {
		if say := signs[sign]; say != "" {
			return say
		}
	}
	switch {
	case words[here] != "":
		return words[here]
	case words[before] != "":
		return words[before]
	case here == "@":
		return sayIndex
	case here == "$":
		return sayValue
	case here == "=":
		return sayEqual
	case here == "|", here == "(" && text(at-2) == ".":
		return sayCall
	case strings.HasSuffix(before, "\n") && slices.Contains(operators, here), here == "\n" && slices.Contains(operators, before):
		return sayLines
	}
	return ""
}
