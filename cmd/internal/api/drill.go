package api

import (
	"context"
	"net/http"
	"time"
)

// DrillRequest asks for a test signal through the line.
type DrillRequest struct {
	By      string `json:"by"`
	Timeout string `json:"timeout,omitempty"` // a duration, such as "20s"
}

// DrillAnswer is what became of a test signal.
type DrillAnswer struct {
	OK       bool           `json:"ok"`
	ID       string         `json:"id,omitempty"` // input id
	Seconds  float64        `json:"seconds"`
	Stopped  bool           `json:"actions_stopped"` // the stop switch held the action
	Stations []DrillStation `json:"stations"`
}

// DrillStation is what one station made of it.
type DrillStation struct {
	Station string  `json:"station"`
	State   string  `json:"state"`
	Seconds float64 `json:"seconds"`
	Seen    string  `json:"seen,omitempty"` // what was seen there, or what is wrong
}

// The states of a station in a drill.
const (
	StationOK         = "ok"
	StationFailed     = "failed"
	StationSkipped    = "skipped"     // by configuration or the stop switch
	StationNotReached = "not reached" // one before it failed
)

// Drill sends a test signal through the line.
func (c *Client) Drill(ctx context.Context, r DrillRequest) (a DrillAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/drill", nil, r, &a)
}

func (b Backend) drill(r *http.Request) (any, error) {
	var req DrillRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if req.By == "" {
		return nil, &Error{Message: "by: say who gives the command"}
	}
	var timeout time.Duration
	if req.Timeout != "" {
		var err error
		if timeout, err = time.ParseDuration(req.Timeout); err != nil || timeout <= 0 {
			return nil, &Error{Message: "timeout: give a duration such as 20s"}
		}
	}
	return b.Drill(r.Context(), req.By, timeout)
}
