package kind

import "strings"

// maxAuthorization bounds an Authorization header value, in bytes.
const maxAuthorization = 4096

// AuthorizationProblem says what keeps a text from being the value of an
// Authorization header, "" if nothing does. A common mistake is named: the
// value is what stands after "Authorization:", not the whole header line.
func AuthorizationProblem(value string) string {
	const header = "authorization:"
	switch {
	case len(value) >= len(header) && strings.EqualFold(value[:len(header)], header):
		return `Give the value alone, without "Authorization:" before it.`
	case len(value) > maxAuthorization:
		return "The value is longer than 4096 bytes."
	case strings.TrimSpace(value) != value:
		return "The value begins or ends with white space; a file with a trailing line break is a common cause."
	case strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r > 0x7e }):
		return "The value holds characters that a header cannot carry; use visible ASCII characters and spaces."
	}
	return ""
}
