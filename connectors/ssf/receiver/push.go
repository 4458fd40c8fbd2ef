package receiver

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

// serve is the push endpoint (RFC 8935 section 2).
func (s *source) serve(w http.ResponseWriter, r *http.Request) {
	if a, ok := s.admit(w.Header(), r); !ok {
		s.refuse(w, r, a)
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		s.refuse(w, r, unavailable(retrySoon))
		return
	}
	body, a, ok := s.read(w, r)
	if !ok {
		<-s.slots
		s.refuse(w, r, a)
		return
	}
	p := &push{msg: s.message(r, body), answer: make(chan answer, 1)}
	if !s.enqueue(p) {
		<-s.slots
		s.refuse(w, r, unavailable(retryLater))
		return
	}
	select {
	case a := <-p.answer:
		a.write(w)
	case <-r.Context().Done(): // the peer went away; its message goes on
	}
}

// admit checks all that can be told without the body (PUSH-17 to PUSH-19).
func (s *source) admit(header http.Header, r *http.Request) (a answer, ok bool) {
	if r.Method != http.MethodPost {
		header.Set("Allow", http.MethodPost)
		return answer{status: http.StatusMethodNotAllowed}, false
	}
	if !isSET(r.Header) {
		header.Set("Accept", ssf.MediaTypeSET)
		return answer{status: http.StatusUnsupportedMediaType}, false
	}
	if !s.sender.authentic(r.Header) {
		header.Set("WWW-Authenticate", s.sender.challenge)
		return answer{status: http.StatusUnauthorized}, false
	}
	if !s.Ready() {
		return unavailable(retryLater), false
	}
	if wait := s.bucket.take(s.now()); wait > 0 {
		return answer{status: http.StatusTooManyRequests, after: wait}, false
	}
	if r.ContentLength > int64(s.bounds.bytes) {
		return answer{status: http.StatusRequestEntityTooLarge}, false
	}
	return answer{}, true
}

// refuse answers a request that got no further. Where the peer is at fault the
// connection ends with the answer, so that the server does not read the rest of
// the body; a peer that is only asked to wait keeps it.
func (s *source) refuse(w http.ResponseWriter, r *http.Request, a answer) {
	if a.after == 0 {
		w.Header().Set("Connection", "close")
	}
	s.refused.note(s.log, a.status, r.RemoteAddr, s.now())
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
func (s *source) read(w http.ResponseWriter, r *http.Request) (body []byte, a answer, ok bool) {
	control := http.NewResponseController(w)
	// Not every server can set deadlines; one that cannot has its own.
	_ = control.SetReadDeadline(time.Now().Add(s.bounds.read))
	body, err := readAll(http.MaxBytesReader(w, r.Body, int64(s.bounds.bytes)), r.ContentLength)
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
func (s *source) message(r *http.Request, body []byte) pipeline.Message {
	m := pipeline.Message{
		Source:      s.name,
		Body:        body,
		ContentType: ssf.MediaTypeSET,
		Received:    s.now(),
	}
	if !s.sender.anonymous {
		m.Sender = s.issuer
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		m.RemoteAddr = host
	}
	return m
}
