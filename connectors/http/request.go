package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// Bounds of a request.
const (
	longestPath = 2048
	longestBody = 1 << 20
)

// envelope is a request as it is stored: what Prepare returns and Deliver gets
// back. Where it goes and with which headers is decided at each try, so that a
// URL or a credential put right counts for what waits.
type envelope struct {
	Method string `json:"method"`
	Path   string `json:"path,omitempty"` // escaped; "" is the sink's URL itself
	Body   []byte `json:"body,omitempty"`
}

// Prepare implements pipeline.Preparer: it makes the request of an order. One
// that would leave the sink's URL fails for good.
func (s *sink) Prepare(_ context.Context, o pipeline.Order) ([]byte, error) {
	e, err := s.envelope(o)
	if err == nil {
		_, err = s.check(e)
	}
	var text []byte
	if err == nil {
		text, err = json.Marshal(e)
	}
	if err != nil {
		return nil, &pipeline.FinalError{Code: "unmakeable", Err: fmt.Errorf("prepare %s for %s: %w", o.ActionID, s.name, err)}
	}
	return text, nil
}

func (s *sink) envelope(o pipeline.Order) (envelope, error) {
	e := envelope{Method: s.method}
	if r := o.Request; r != nil {
		if r.Method != "" {
			e.Method = r.Method
		}
		e.Path, e.Body = r.Path, r.Body
		return e, nil
	}
	if s.method != "POST" && s.method != "PUT" && s.method != "PATCH" {
		return e, fmt.Errorf("an event cannot be sent by %s", s.method)
	}
	var err error
	e.Body, err = statement(o)
	return e, err
}

// statement is the body of an order without a request: all that it says.
func statement(o pipeline.Order) ([]byte, error) {
	p := struct {
		Action  string          `json:"action"`
		Rule    string          `json:"rule,omitempty"`
		Type    string          `json:"type"`
		Event   string          `json:"event"`
		Subject json.RawMessage `json:"subject,omitempty"`
		Body    json.RawMessage `json:"body,omitempty"`
		Txn     string          `json:"txn,omitempty"`
		Chain   string          `json:"chain,omitempty"`
		Made    time.Time       `json:"made"`
		Expires time.Time       `json:"expires,omitzero"`
	}{
		Action: o.ActionID, Rule: o.Rule, Type: o.Type, Event: o.Event, Body: o.Body,
		Txn: o.Txn, Chain: o.Chain, Made: o.Made.UTC(), Expires: o.Expires.UTC(),
	}
	if !o.Subject.IsZero() {
		p.Subject = o.Subject.AppendJSON(nil)
	}
	return json.Marshal(p)
}

// open reads an envelope back and says where it goes. What is in a queue may be
// older than the configuration, or damaged: it is checked like new.
func (s *sink) open(text []byte) (envelope, *url.URL, error) {
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return e, nil, errors.New("what waited in the queue is no request")
	}
	u, err := s.check(e)
	return e, u, err
}

// check bounds a request and makes its URL.
func (s *sink) check(e envelope) (*url.URL, error) {
	switch {
	case !slices.Contains(methods, e.Method):
		return nil, fmt.Errorf("method %.16q is not one of %s", e.Method, strings.Join(methods, ", "))
	case len(e.Body) > longestBody:
		return nil, fmt.Errorf("the body is longer than %d bytes", longestBody)
	}
	return below(s.base, e.Path)
}

// below joins an escaped path to a URL. The result has the URL's host and lies
// below its path, by every reading a server may have of the text: dot segments
// are refused however often they are escaped, and with them empty segments,
// which is what a missing value leaves behind.
func below(base *url.URL, text string) (*url.URL, error) {
	if text == "" {
		u := *base
		return &u, nil
	}
	path, query, _ := strings.Cut(text, "?")
	if err := pathProblem(path, query); err != nil {
		return nil, err
	}
	path = strings.TrimPrefix(path, "/")
	prefix := strings.TrimSuffix(base.EscapedPath(), "/") + "/"
	whole := url.URL{Scheme: base.Scheme, Host: base.Host}
	u, err := url.Parse(whole.String() + prefix + path)
	if err != nil {
		return nil, errors.New("the path is not escaped as RFC 3986 wants it")
	}
	u.RawQuery = base.RawQuery
	if query != "" {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += query
	}
	if u.Scheme != base.Scheme || u.Host != base.Host || u.User != nil || u.Opaque != "" || u.Fragment != "" ||
		!strings.HasPrefix(u.EscapedPath(), prefix) {
		return nil, errors.New("the path leaves the sink's URL")
	}
	return u, nil
}

// pathProblem says why a path and query are not taken. It shows nothing of
// them: values of people stand in there.
func pathProblem(path, query string) error {
	if len(path)+len(query) > longestPath {
		return fmt.Errorf("the path is longer than %d bytes", longestPath)
	}
	const plain = "-._~!$&'()*+,;=:@/%"
	for part, more := range map[string]string{path: "", query: "?"} {
		for _, r := range part {
			if r > 0x7e || !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(plain+more, r)) {
				return fmt.Errorf("the path holds %q unescaped", r)
			}
		}
		if _, err := url.PathUnescape(part); err != nil {
			return errors.New("the path has a broken escape")
		}
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range segments {
		if segment == "" && i < len(segments)-1 {
			return errors.New("the path has an empty segment; a value is missing")
		}
		if climbs(segment) {
			return errors.New("the path has a segment that climbs or controls")
		}
	}
	return nil
}

// climbs reports whether a segment means more than a name to a server that
// unescapes it, once or again: dot segments, on their own or between slashes,
// or control characters.
func climbs(segment string) bool {
	for range 4 {
		parts := strings.FieldsFunc(segment, func(r rune) bool { return r == '/' || r == '\\' || r == ';' })
		if slices.Contains(parts, "..") || slices.Contains(parts, ".") || strings.ContainsFunc(segment, unicode.IsControl) {
			return true
		}
		next, err := url.PathUnescape(segment)
		if err != nil || next == segment {
			return false
		}
		segment = next
	}
	return true // escaped more often than anybody means
}
