package transmitter

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// judge turns an answer into a result.
func (s *sink) judge(resp *http.Response, body []byte) pipeline.Result {
	status := strconv.Itoa(resp.StatusCode)
	v, code, why := outbound.ByStatus(resp.StatusCode), status, http.StatusText(resp.StatusCode)
	if resp.StatusCode == http.StatusBadRequest {
		if e, ok := ssf.ParseError(body); ok {
			if e.Description != "" {
				why = e.Description
			}
			switch ssf.ClassOf(e.Code) {
			case ssf.Final:
				code = e.Code
			case ssf.Hold:
				v, code = outbound.Held, e.Code
			case ssf.Other:
				why = fmt.Sprintf("unknown code %q: %s", e.Code, why)
			}
		}
	}
	r := pipeline.Result{Info: note(status, code)}
	switch v {
	case outbound.Taken:
		if resp.StatusCode != http.StatusAccepted {
			r.Info = status + " instead of 202"
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

func note(status, code string) string {
	if code == status {
		return status
	}
	return status + " " + code
}
