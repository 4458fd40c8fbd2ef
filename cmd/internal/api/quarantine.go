package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/pipeline"
	tokens "github.com/signalbox-dev/signalbox/pipeline/set"
)

// QuarantineAnswer lists refused messages that are kept, longest there first.
type QuarantineAnswer struct {
	Total    int                    `json:"total"` // beyond the limit, too
	Messages []pipeline.Quarantined `json:"messages"`
}

// QuarantinedMessage is one of them laid open for reading: nothing of it was
// verified.
type QuarantinedMessage struct {
	pipeline.Quarantined
	Text   string          `json:"text"`             // the message as received
	Header json.RawMessage `json:"header,omitempty"` // of a token that can be decoded
	Claims json.RawMessage `json:"claims,omitempty"`
}

// QuarantineRequest chooses messages by id, or all that a filter selects.
type QuarantineRequest struct {
	IDs     []string `json:"ids,omitempty"`
	All     bool     `json:"all,omitempty"` // instead of ids
	Source  string   `json:"source,omitempty"`
	Issuer  string   `json:"issuer,omitempty"` // claimed iss or authenticated sender
	Code    string   `json:"code,omitempty"`
	By      string   `json:"by"`
	Comment string   `json:"comment,omitempty"`
}

// RetryAnswer is what became of each message that was tried again.
type RetryAnswer struct {
	Results []pipeline.Retried `json:"results"`
}

// DropAnswer is how many messages are gone.
type DropAnswer struct {
	Dropped int `json:"dropped"`
}

// Most messages of a list, and of one request.
const (
	maxQuarantineList  = 1000
	maxQuarantineBatch = 10_000
)

const quarantineHint = "signalbox quarantine list shows what is there"

func (b Backend) quarantine(r *http.Request) (any, error) {
	p := r.URL.Query()
	limit := maxQuarantineList
	if text := p.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxQuarantineList {
			return nil, &Error{Message: fmt.Sprintf("limit: give a number from 1 to %d", maxQuarantineList)}
		}
		limit = n
	}
	list, total, err := b.Pipeline.Quarantined(r.Context(),
		pipeline.QuarantineFilter{Source: p.Get("source"), Issuer: p.Get("issuer"), Code: p.Get("code")}, limit)
	if err != nil {
		return nil, err
	}
	if list == nil {
		list = []pipeline.Quarantined{}
	}
	return QuarantineAnswer{Total: total, Messages: list}, nil
}

func (b Backend) quarantined(r *http.Request) (any, error) {
	id := r.PathValue("id")
	m, err := b.Pipeline.QuarantinedMessage(r.Context(), id)
	if errors.Is(err, pipeline.ErrNotQuarantined) {
		return nil, &Error{Message: "no message " + id + " is in quarantine", Hint: quarantineHint}
	}
	if err != nil {
		return nil, err
	}
	a := QuarantinedMessage{Quarantined: *m, Text: string(m.Body)}
	a.Body = nil
	if d, err := tokens.Inspect(m.Body); err == nil {
		a.Header, a.Claims = d.Header, d.Claims
	}
	return a, nil
}

// chosen reads a request and finds the messages it is about.
func (b Backend) chosen(ctx context.Context, r *http.Request) (req QuarantineRequest, err error) {
	if err := decode(r, &req); err != nil {
		return req, err
	}
	filtered := req.Source != "" || req.Issuer != "" || req.Code != ""
	switch {
	case req.By == "" || utf8.RuneCountInString(req.By) > pipeline.MaxBy:
		return req, &Error{Message: fmt.Sprintf("by: say who gives the command, in at most %d characters", pipeline.MaxBy)}
	case utf8.RuneCountInString(req.Comment) > pipeline.MaxComment:
		return req, &Error{Message: fmt.Sprintf("comment: it has more than %d characters", pipeline.MaxComment)}
	case req.All == (len(req.IDs) > 0), !req.All && filtered:
		return req, &Error{Message: "give ids, or all with source, issuer or code to choose among them"}
	case len(req.IDs) > maxQuarantineBatch:
		return req, &Error{Message: fmt.Sprintf("too many messages at once: give at most %d ids", maxQuarantineBatch)}
	case !req.All:
		return req, nil
	}
	list, _, err := b.Pipeline.Quarantined(ctx, pipeline.QuarantineFilter{Source: req.Source, Issuer: req.Issuer, Code: req.Code}, maxQuarantineBatch)
	for _, m := range list {
		req.IDs = append(req.IDs, m.ID)
	}
	return req, err
}

func (b Backend) retryQuarantined(r *http.Request) (any, error) {
	req, err := b.chosen(r.Context(), r)
	if err != nil {
		return nil, err
	}
	results, err := b.Pipeline.RetryQuarantined(r.Context(), req.IDs, req.By)
	if err != nil {
		return nil, err
	}
	if results == nil {
		results = []pipeline.Retried{}
	}
	return RetryAnswer{results}, nil
}

func (b Backend) dropQuarantined(r *http.Request) (any, error) {
	req, err := b.chosen(r.Context(), r)
	if err != nil {
		return nil, err
	}
	n, err := b.Pipeline.DropQuarantined(r.Context(), req.IDs, req.By, req.Comment)
	return DropAnswer{n}, err
}
