package pipelinetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// PushReceiver is a receiver of RFC 8935 on a real socket. It keeps a ledger of
// what it was sent and answers as it is told, 202 by default. Safe for
// concurrent use.
type PushReceiver struct {
	URL string // of the endpoint

	mu     sync.Mutex
	pushes []Pushed
	answer func(p Pushed) Answer
}

// Pushed is one request as it arrived.
type Pushed struct {
	Token  string
	Header http.Header
	Method string
	Answer int // status it was answered with
}

// Answer is what the receiver says. The zero value is 202 with an empty body.
type Answer struct {
	Status     int    // 0 is 202
	Code       string // with 400: err of the error object, "" sends none
	RetryAfter int    // seconds, 0 sends none
	Header     http.Header
	Body       string // when there is no Code
}

// NewPushReceiver starts a receiver that lives as long as the test.
func NewPushReceiver(t testing.TB) *PushReceiver {
	r := &PushReceiver{}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	r.URL = srv.URL + "/events"
	return r
}

// Answer makes the receiver answer every push from now on with what f returns.
// f is called by one push at a time; nil takes everything.
func (r *PushReceiver) Answer(f func(p Pushed) Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// Pushes returns the ledger, in order of arrival.
func (r *PushReceiver) Pushes() []Pushed {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.pushes)
}

// Taken returns the tokens answered with success, in order of arrival.
func (r *PushReceiver) Taken() []string {
	var tokens []string
	for _, p := range r.Pushes() {
		if p.Answer >= 200 && p.Answer < 300 {
			tokens = append(tokens, p.Token)
		}
	}
	return tokens
}

// ServeHTTP implements http.Handler.
func (r *PushReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	if err != nil {
		return
	}
	a := r.enter(Pushed{Token: string(body), Header: req.Header.Clone(), Method: req.Method})
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.RetryAfter))
	}
	text := a.Body
	if a.Code != "" {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Language", "en")
		text = `{"err":` + strconv.Quote(a.Code) + `,"description":"as the test wants it"}`
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, text)
}

// enter adds a push to the ledger with its answer.
func (r *PushReceiver) enter(p Pushed) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	var a Answer
	if r.answer != nil {
		a = r.answer(p)
	}
	if a.Status == 0 {
		a.Status = http.StatusAccepted
	}
	p.Answer = a.Status
	r.pushes = append(r.pushes, p)
	return a
}
