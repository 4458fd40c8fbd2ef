package sqlite

import (
	"encoding/hex"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// A token stands for one value anywhere in a document: a keyword or leaf as a
// whole, one word of a text, or an address. It does not say in which field, so
// one token serves a field term and free text, and a document holds each of its
// values once. Tokens are hashes: equal values have equal tokens, and what
// equal tokens of other values let through is dropped by the comparison.

// token hashes a value.
func token(value string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(value))
	return h.Sum64()
}

// tokensOf lists the tokens of a document as text for the full-text table.
func tokensOf(doc strictjson.Value) string {
	list := make([]uint64, 0, 64)
	walk(schemaRoot, doc, func(t document.Type, v strictjson.Value) bool {
		text, ok := leafText(v)
		if !ok {
			return false
		}
		switch t {
		case document.Text:
			for _, w := range words(text) {
				list = append(list, token(w))
			}
		case document.IP:
			list = append(list, token(address(text)))
		default:
			list = append(list, token(fold(text)))
		}
		return false
	})
	slices.Sort(list)
	list = slices.Compact(list)
	b := make([]byte, 0, len(list)*17)
	for _, t := range list {
		b = append(appendToken(b, t), ' ')
	}
	return string(b)
}

func appendToken(b []byte, t uint64) []byte {
	var raw [8]byte
	for i := range raw {
		raw[i] = byte(t >> (56 - 8*i))
	}
	return hex.AppendEncode(b, raw[:])
}

// address is the canonical text of an address, or the text if it is none.
func address(text string) string {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Unmap().String()
	}
	return text
}

// Bounds of a filter, so that the full-text table never refuses one. What is
// left out only lets more candidates through.
const (
	filterDepth = 8
	filterWords = 16
)

// filter is the full-text expression that every document the node matches
// satisfies; ok is false when there is none.
func filter(n query.Node, depth int) (expr string, ok bool) {
	if depth > filterDepth {
		return "", false
	}
	switch n := n.(type) {
	case query.And:
		var parts []string
		for _, c := range n {
			if e, ok := filter(c, depth+1); ok {
				parts = append(parts, e)
			}
		}
		return join(parts, " AND ")
	case query.Or:
		var parts []string
		for _, c := range n {
			e, ok := filter(c, depth+1)
			if !ok {
				return "", false
			}
			parts = append(parts, e)
		}
		return join(parts, " OR ")
	case query.Match:
		return filterMatch(n)
	case query.Words:
		return filterWordsOf(n)
	}
	return "", false
}

func filterMatch(m query.Match) (string, bool) {
	if m.Wild {
		return "", false
	}
	switch m.Field.Type {
	case document.Keyword, document.Flattened:
		return one(fold(m.Value)), true
	case document.Text:
		return phrase(m.Value)
	case document.IP:
		return one(m.Value), !strings.Contains(m.Value, "/")
	}
	return "", false
}

func filterWordsOf(w query.Words) (string, bool) {
	if w.Wild {
		return "", false
	}
	if _, err := netip.ParsePrefix(w.Value); err == nil {
		return "", false
	}
	parts := []string{one(fold(w.Value))}
	if e, ok := phrase(w.Value); ok {
		parts = append(parts, e)
	}
	if a := address(w.Value); a != w.Value {
		parts = append(parts, one(a))
	}
	return join(parts, " OR ")
}

// phrase asks for every word of a text.
func phrase(text string) (string, bool) {
	var parts []string
	for _, w := range words(text) {
		if len(parts) < filterWords {
			parts = append(parts, one(w))
		}
	}
	return join(parts, " AND ")
}

func one(value string) string {
	return `"` + string(appendToken(nil, token(value))) + `"`
}

func join(parts []string, operator string) (string, bool) {
	switch len(parts) {
	case 0:
		return "", false
	case 1:
		return parts[0], true
	}
	return "(" + strings.Join(parts, operator) + ")", true
}
