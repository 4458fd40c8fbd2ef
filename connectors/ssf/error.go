package ssf

import (
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Error is the error object of RFC 8935 section 2.3, also the member of setErrs
// in RFC 8936.
type Error struct {
	Code        string // err: one of the registered codes, compared exactly
	Description string // for people
}

// MaxErrorObject bounds the error object read from a peer, in bytes.
const MaxErrorObject = 64 << 10

// Class says what a code means for the one who sent the SET (PUSH-12).
type Class uint8

// The classes of codes.
const (
	Other Class = iota // not in the catalogue
	Final              // this SET will never be taken
	Hold               // taken once keys or permissions were put in order
)

// codes is the catalogue: RFC 8935 section 2.4, and invalid_state of SSF
// section 8.1.4.1.
var codes = map[string]Class{
	pipeline.InvalidRequest:       Final,
	pipeline.InvalidIssuer:        Final,
	pipeline.InvalidAudience:      Final,
	pipeline.InvalidState:         Final,
	pipeline.InvalidKey:           Hold,
	pipeline.AuthenticationFailed: Hold,
	pipeline.AccessDenied:         Hold,
}

// ClassOf returns the class of a code.
func ClassOf(code string) Class { return codes[code] }

// FromReject is what a peer is told of a refusal. Codes of our own have no
// meaning outside and become invalid_request.
func FromReject(r *pipeline.RejectError) Error {
	e := Error{Code: r.Code, Description: pipeline.Clean(r.Description)}
	if ClassOf(r.Code) == Other {
		e.Code = pipeline.InvalidRequest
	}
	return e
}

// AppendJSON appends the object as JSON.
func (e Error) AppendJSON(b []byte) []byte {
	b = append(b, `{"err":`...)
	b = strictjson.AppendString(b, e.Code)
	b = append(b, `,"description":`...)
	b = strictjson.AppendString(b, e.Description)
	return append(b, '}')
}

// ParseError reads an error object as a peer sent it; ok is false when it is
// none. The description is made safe to show.
func ParseError(b []byte) (e Error, ok bool) {
	v, err := strictjson.Parse(b, strictjson.Limits{Bytes: MaxErrorObject, Depth: 8, Nodes: 200, Members: 50})
	if err != nil || v.Kind() != strictjson.Object {
		return Error{}, false
	}
	code := v.Get("err")
	if code.Kind() != strictjson.String {
		return Error{}, false
	}
	return Error{Code: pipeline.Clean(code.Text()), Description: pipeline.Clean(v.Get("description").Text())}, true
}
