package transmitter

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// The order in which a request is judged is one for all endpoints: method 405,
// who it is 401, whether it may 403, whether it can be read 400, whether the
// stream is there 404, and what it means 400 or 409. So nobody learns of a stream
// by the answer to a request that he might not make.

// call is a request by a receiver that may make it.
type call struct {
	r        *http.Request
	w        http.ResponseWriter
	receiver *receiver
	body     strictjson.Value // of methods with a body: an object
}

// answer is what a request is told.
type answer struct {
	status int
	body   any // written as JSON; nil: none
}

// operation is what one method of an endpoint does.
type operation struct {
	scope  string
	bodied bool
	run    func(h *hub, ctx context.Context, c *call) (answer, error)
}

// endpoint serves the operations of one path, by method.
func (h *hub) endpoint(ops map[string]operation) http.Handler {
	var methods []string
	for m := range ops {
		methods = append(methods, m)
	}
	slices.Sort(methods)
	allow := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store") // SSF-TX-47
		op, ok := ops[r.Method]
		if !ok {
			w.Header().Set("Allow", allow)
			h.refuse(w, r, &fault{status: http.StatusMethodNotAllowed, code: "invalid_request", text: "this endpoint takes " + allow})
			return
		}
		c := &call{r: r, w: w}
		err := h.admit(c, op)
		var a answer
		if err == nil {
			a, err = op.run(h, r.Context(), c)
		}
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		write(w, a)
	})
}

// admit tells who calls, whether it may, and reads the body (SSF-TX-16).
func (h *hub) admit(c *call, op operation) error {
	token, shown := bearer(c.r.Header)
	if !shown {
		c.w.Header().Set("WWW-Authenticate", challenge())
		return &fault{status: http.StatusUnauthorized, code: "authentication_failed", text: "a bearer token is wanted in the Authorization header"}
	}
	grant, ok, err := h.auth.Authenticate(c.r.Context(), token, h.now())
	if err != nil {
		return err
	}
	if ok {
		c.receiver = h.receivers[grant.Receiver]
	}
	if c.receiver == nil {
		c.w.Header().Set("WWW-Authenticate", challenge("error", "invalid_token"))
		return &fault{status: http.StatusUnauthorized, code: "authentication_failed", text: "the token is not accepted"}
	}
	if !permits(grant.Scopes, op.scope) {
		c.w.Header().Set("WWW-Authenticate", challenge("error", "insufficient_scope", "scope", op.scope))
		return &fault{status: http.StatusForbidden, code: "access_denied", text: "the token does not permit this; it wants the scope " + op.scope}
	}
	if !h.Ready() {
		return busy(5 * time.Second)
	}
	if !op.bodied {
		return nil
	}
	c.body, err = h.read(c)
	return err
}

// bearer is the token of the one Authorization header (INTEROP-24).
func bearer(header http.Header) (string, bool) {
	values := header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(strings.TrimSpace(values[0]), " ")
	token = strings.TrimLeft(token, " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

// challenge is the WWW-Authenticate of a refusal (RFC 6750 section 3, POLL-20).
func challenge(params ...string) string {
	s := `Bearer realm="ssf"`
	for i := 0; i+1 < len(params); i += 2 {
		s += ", " + params[i] + `="` + params[i+1] + `"`
	}
	return s
}

// readTimeout is how long a receiver may take to send a request.
const readTimeout = 10 * time.Second

// read reads the body: one JSON object without repeated names.
func (h *hub) read(c *call) (strictjson.Value, error) {
	if t := c.r.Header.Get("Content-Type"); t != "" {
		if media, _, err := mime.ParseMediaType(t); media != ssf.MediaTypeJSON || err != nil {
			return strictjson.Value{}, &fault{status: http.StatusUnsupportedMediaType, code: "invalid_request", text: "the body must be application/json"}
		}
	}
	control := http.NewResponseController(c.w)
	_ = control.SetReadDeadline(time.Now().Add(readTimeout)) // not every server can
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, int64(h.terms.MaxBytes)))
	_ = control.SetReadDeadline(time.Time{})
	if err != nil {
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			return strictjson.Value{}, &fault{status: http.StatusRequestEntityTooLarge, code: "invalid_request", text: "the body is too long"}
		}
		return strictjson.Value{}, malformed("the body broke off")
	}
	v, err := strictjson.Parse(text, strictjson.Limits{Bytes: h.terms.MaxBytes, Depth: 16, Nodes: 8000, Members: 4000})
	if err != nil {
		return strictjson.Value{}, malformed("the body is not JSON: " + err.Error())
	}
	if v.Kind() != strictjson.Object {
		return strictjson.Value{}, malformed("the body is not a JSON object")
	}
	return v, nil
}

// refuse answers with the error object. What went wrong with us is told to
// nobody outside.
func (h *hub) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := errors.AsType[*fault](err)
	if !ok {
		if r.Context().Err() == nil {
			h.log.Error("management call failed", "path", r.URL.Path, "method", r.Method, "err", err)
		}
		f = busy(5 * time.Second)
	}
	if f.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.after.Seconds()))))
	}
	w.Header().Set("Content-Language", "en")
	w.Header().Set("Content-Type", ssf.MediaTypeJSON)
	w.WriteHeader(f.status)
	_, _ = w.Write(ssf.Error{Code: f.code, Description: f.text}.AppendJSON(nil)) // a peer that went away is no fault
}

func write(w http.ResponseWriter, a answer) {
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", ssf.MediaTypeJSON)
	w.WriteHeader(a.status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(a.body)
}
