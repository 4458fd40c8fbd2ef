package push

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// ServeHTTP implements http.Handler (RFC 8935 section 2).
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a, ok := e.admit(w.Header(), r); !ok {
		e.refuse(w, r, a)
		return
	}
	select {
	case e.slots <- struct{}{}:
	default:
		e.refuse(w, r, unavailable(retrySoon))
		return
	}
	body, a, ok := e.read(w, r)
	if !ok {
		<-e.slots
		e.refuse(w, r, a)
		return
	}
	p := &push{msg: e.message(r, body), answer: make(chan answer, 1)}
	if !e.enqueue(p) {
		<-e.slots
		e.refuse(w, r, unavailable(retryLater))
		return
	}
	select {
	case a := <-p.answer:
		a.write(w)
	case <-r.Context().Done(): // the peer went away; its message goes on
	}
}

// admit checks all that can be told without the body (PUSH-17 to PUSH-19).
func (e *Endpoint) admit(header http.Header, r *http.Request) (a answer, ok bool) {
	if r.Method != http.MethodPost {
		header.Set("Allow", http.MethodPost)
		return answer{status: http.StatusMethodNotAllowed}, false
	}
	if !isSET(r.Header) {
		header.Set("Accept", ssf.MediaTypeSET)
		return answer{status: http.StatusUnsupportedMediaType}, false
	}
	if !e.sender.authentic(r.Header) {
		header.Set("WWW-Authenticate", e.sender.challenge)
		return answer{status: http.StatusUnauthorized}, false
	}
	if !e.Ready() {
		return unavailable(retryLater), false
	}
	wait, quota := e.bucket.take(e.now())
	if quota.Limit > 0 && e.dialect.Quota != nil {
		e.dialect.Quota(header, quota)
	}
	if wait > 0 {
		return answer{status: http.StatusTooManyRequests, after: wait, body: e.dialect.TooMany}, false
	}
	if r.ContentLength > int64(e.bounds.MaxBytes) {
		return answer{status: http.StatusRequestEntityTooLarge}, false
	}
	return answer{}, true
}

// refuse answers a request that got no further. Where the peer is at fault the
// connection ends with the answer, so that the server does not read the rest of
// the body; a peer that is only asked to wait keeps it.
func (e *Endpoint) refuse(w http.ResponseWriter, r *http.Request, a answer) {
	if a.after == 0 {
		w.Header().Set("Connection", "close")
	}
	e.refused.note(e.log, a.status, r.RemoteAddr, e.now())
	a.write(w)
}

// isSET reports whether the one Content-Type is that of a SET; parameters are
// tolerated (PUSH-18).
func isSET(h http.Header) bool {
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return false
	}
	media, _, err := mime.ParseMediaType(values[0])
	return media == ssf.MediaTypeSET && (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter))
}

// read reads the body within the bounds of length and time.
func (e *Endpoint) read(w http.ResponseWriter, r *http.Request) (body []byte, a answer, ok bool) {
	control := http.NewResponseController(w)
	// Not every server can set deadlines; one that cannot has its own.
	_ = control.SetReadDeadline(time.Now().Add(e.bounds.ReadTimeout))
	body, err := readAll(http.MaxBytesReader(w, r.Body, int64(e.bounds.MaxBytes)), r.ContentLength)
	if err != nil {
		var tooLong *http.MaxBytesError
		switch {
		case errors.As(err, &tooLong):
			return nil, answer{status: http.StatusRequestEntityTooLarge}, false
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, answer{status: http.StatusRequestTimeout}, false
		}
		return nil, answer{status: http.StatusBadRequest, reason: ssf.Error{
			Code: pipeline.InvalidRequest, Description: "the body of the request broke off",
		}}, false
	}
	_ = control.SetReadDeadline(time.Time{}) // handling may take longer than reading
	return body, answer{}, true
}

// readAll reads to the end, in one piece where the length was announced.
func readAll(r io.Reader, announced int64) ([]byte, error) {
	if announced < 0 {
		return io.ReadAll(r)
	}
	body := make([]byte, announced)
	_, err := io.ReadFull(r, body)
	return body, err
}

// message is the request as it goes to the handler.
func (e *Endpoint) message(r *http.Request, body []byte) pipeline.Message {
	m := pipeline.Message{
		Source:      e.name,
		Body:        body,
		ContentType: ssf.MediaTypeSET,
		Received:    e.now(),
		Sender:      e.sender.name,
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		m.RemoteAddr = host
	}
	return m
}
