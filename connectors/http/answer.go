package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// call makes one request and reads the answer.
func (s *sink) call(ctx context.Context, d pipeline.Delivery) pipeline.Result {
	e, u, err := s.open(d.Payload)
	if err != nil {
		return pipeline.Result{Err: &pipeline.FinalError{Code: "unusable", Err: fmt.Errorf("call %s: %w", s.name, err)}, Info: "not sent"}
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, e.Method, u.String(), bytes.NewReader(e.Body))
	if err != nil {
		return pipeline.Result{Err: &pipeline.FinalError{Code: "unusable", Err: fmt.Errorf("call %s: no request can be made", s.name)}, Info: "not sent"}
	}
	req.Header = maps.Clone(s.header)
	if len(e.Body) == 0 {
		req.Header.Del("Content-Type")
	}
	if s.idKey != "" {
		req.Header.Set(s.idKey, d.ID)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return s.unreachable(err)
	}
	defer resp.Body.Close()
	// A success is one whatever becomes of the rest of the answer. Reading it
	// lets the connection be used again.
	body, err := outbound.Read(resp, s.most)
	if err != nil {
		body = nil
	}
	return s.judge(resp, body)
}

// unreachable is the result of a call without an answer. An address that is not
// allowed is held like any other fault of the configuration.
func (s *sink) unreachable(err error) pipeline.Result {
	r := pipeline.Result{Err: fmt.Errorf("call %s: %w", s.name, outbound.Cause(err, s.secrets...)), Info: "no answer"}
	if errors.Is(err, outbound.ErrAddress) {
		r.After, r.Info = outbound.HoldFor, "address refused"
	}
	return r
}

// verdict is what a status means here.
func (s *sink) verdict(status int) outbound.Verdict {
	switch v := outbound.ByStatus(status); {
	case slices.Contains(s.already, status):
		return outbound.Taken
	case slices.Contains(s.refused, status):
		return outbound.Refused
	case v == outbound.Taken && len(s.success) > 0 && !slices.Contains(s.success, status):
		return outbound.Held
	default:
		return v
	}
}

// judge turns an answer into a result.
func (s *sink) judge(resp *http.Response, body []byte) pipeline.Result {
	code := strconv.Itoa(resp.StatusCode)
	r := pipeline.Result{Info: code}
	why := http.StatusText(resp.StatusCode)
	if resp.StatusCode/100 == 3 {
		why = outbound.NoRedirects
	} else if said := s.note(body); said != "" {
		why = said
	}
	if why == "" {
		why = "no reason given"
	}
	switch s.verdict(resp.StatusCode) {
	case outbound.Taken:
		if slices.Contains(s.already, resp.StatusCode) {
			r.Info = code + " already so"
		}
	case outbound.Refused:
		r.Err = &pipeline.FinalError{Code: code, Err: fmt.Errorf("refused by %s: %s", s.name, why)}
	case outbound.Held:
		r.Err = fmt.Errorf("held by %s: %s: %s", s.name, code, why)
		r.After = max(outbound.HoldFor, outbound.RetryAfter(resp.Header, s.now()))
	case outbound.Again:
		r.Err = fmt.Errorf("not taken by %s: %s: %s", s.name, code, why)
		r.After = outbound.RetryAfter(resp.Header, s.now())
	}
	return r
}

// reasons are the members by which peers say in JSON what is wrong, from the
// most to the least telling: RFC 9457, RFC 6749, and what is common beside.
var reasons = []string{"detail", "error_description", "errorSummary", "message", "title", "error"}

// note is one short sentence of an answer, "" if it has none that can be shown.
func (s *sink) note(body []byte) string {
	v, err := strictjson.Parse(body, strictjson.Limits{Bytes: int(s.most), Depth: 8, Nodes: 1000, Members: 100})
	if err != nil || v.Kind() != strictjson.Object {
		return ""
	}
	for _, o := range []strictjson.Value{v, v.Get("error")} {
		if o.Kind() != strictjson.Object {
			continue
		}
		for _, name := range reasons {
			m := o.Get(name)
			if m.Kind() != strictjson.String || strings.TrimSpace(m.Text()) == "" {
				continue
			}
			if outbound.Repeats(m.Text(), s.secrets) {
				return ""
			}
			return pipeline.Clean(m.Text())
		}
	}
	return ""
}
