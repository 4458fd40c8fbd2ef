package elasticsearch

import (
	"net/http"
	"regexp"
	"strings"
)

// documentFault reports whether a status 400 is about the document and not about
// the index or the request: only then may the document be given up. What the
// server calls an illegal argument can be either; it is the document's when it
// speaks of a field, or when another document of the request was taken.
func documentFault(d detail, all []outcome) bool {
	switch d.Type {
	case "document_parsing_exception", "mapper_parsing_exception", "strict_dynamic_mapping_exception", "parsing_exception", "x_content_parse_exception":
		return true
	case "illegal_argument_exception":
		if strings.Contains(d.Reason, "pipeline") {
			return false
		}
		if strings.Contains(d.Reason, "field") || len(all) == 1 {
			return true
		}
		for _, o := range all {
			if o.status == http.StatusCreated || o.status == http.StatusConflict {
				return true
			}
		}
	}
	return false
}

// fieldForms find the field in what the server says about a document.
var fieldForms = []*regexp.Regexp{
	regexp.MustCompile(`field \[([A-Za-z0-9_.@-]{1,200})\](?: of type \[([a-z_]{1,40})\])?`),
	regexp.MustCompile(`field="([A-Za-z0-9_.@-]{1,200})"`),
}

// fault says what is wrong with a document: the field and not the value, which
// the server's own words may show.
func fault(d detail) string {
	for inner := &d; inner != nil; inner = inner.CausedBy {
		for _, form := range fieldForms {
			if m := form.FindStringSubmatch(inner.Reason); m != nil {
				text := "field " + m[1]
				if len(m) > 2 && m[2] != "" {
					text += " of type " + m[2]
				}
				return text + " cannot hold its value"
			}
		}
	}
	return "the mapping of the index does not fit it"
}
