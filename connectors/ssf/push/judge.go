package push

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// judge turns an answer into a result (PUSH-12).
func (c *Client) judge(resp *http.Response, body []byte) pipeline.Result {
	class, wait := c.Terms.Class, c.Terms.Wait
	if class == nil {
		class = ssf.ClassOf
	}
	if wait == nil {
		wait = outbound.RetryAfter
	}
	status := strconv.Itoa(resp.StatusCode)
	v, code, why := outbound.ByStatus(resp.StatusCode), status, http.StatusText(resp.StatusCode)
	if resp.StatusCode/100 == 3 {
		why = outbound.NoRedirects
	}
	if resp.StatusCode == http.StatusBadRequest {
		if e, ok := ssf.ParseError(body); ok {
			if secrets := outbound.Secrets(c.Authorization); outbound.Repeats(e.Code+"\n"+e.Description+"\n"+string(body), secrets) {
				e.Description = "the answer repeats our credentials and is not shown"
				if outbound.Repeats(e.Code, secrets) {
					e.Code = "of our credentials"
				}
			}
			if e.Description != "" {
				why = e.Description
			}
			switch class(e.Code) {
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
		r.Err = &pipeline.FinalError{Code: code, Err: fmt.Errorf("refused by %s: %s", c.Name, why)}
	case outbound.Held:
		r.Err = fmt.Errorf("held by %s: %s: %s", c.Name, code, why)
		r.After = max(outbound.HoldFor, wait(resp.Header, c.Now()))
	case outbound.Again:
		r.Err = fmt.Errorf("not taken by %s: %s: %s", c.Name, code, why)
		r.After = wait(resp.Header, c.Now())
	}
	return r
}

func note(status, code string) string {
	if code == status {
		return status
	}
	return status + " " + code
}
