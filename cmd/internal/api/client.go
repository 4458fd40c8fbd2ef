package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// ErrNotRunning means that no product listens on the socket.
var ErrNotRunning = errors.New("signalbox is not running there")

// Client talks to a running product. It is safe for concurrent use.
type Client struct {
	socket string
	http   *http.Client
}

// Dial prepares a client of the product with that data_dir. It connects on
// first use.
func Dial(dataDir string) *Client {
	socket := Socket(dataDir)
	var d net.Dialer
	return &Client{socket: socket, http: &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return d.DialContext(ctx, "unix", socket)
			},
		},
	}}
}

// maxAnswer bounds what a client reads.
const maxAnswer = 256 << 20

func (c *Client) do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	u := url.URL{Scheme: "http", Host: "signalbox", Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("%w: nothing answers on %s", ErrNotRunning, c.socket)
		}
		if errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("%s may be used by the user the product runs as, and by root: run this command as that user", c.socket)
		}
		return fmt.Errorf("ask the running product: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the product's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		failure := &Error{}
		if json.Unmarshal(text, failure) != nil || failure.Message == "" {
			failure.Message = "the product answered " + resp.Status
		}
		return failure
	}
	return json.Unmarshal(text, out)
}

// Status asks how the product is.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.do(ctx, http.MethodGet, "/v1/status", nil, nil, &s)
}

// Query searches the index.
func (c *Client) Query(ctx context.Context, q QueryRequest) (a QueryAnswer, err error) {
	v := url.Values{"q": {q.Query}}
	setTimes(v, q.From, q.To)
	if q.Size != 0 {
		v.Set("size", strconv.Itoa(q.Size))
	}
	if q.SkipTotal {
		v.Set("total", "false")
	}
	set(v, "sort", q.Sort)
	set(v, "after", q.After)
	return a, c.do(ctx, http.MethodGet, "/v1/query", v, nil, &a)
}

// Journal asks for the records under an input, event, decision or action id.
func (c *Client) Journal(ctx context.Context, id string) (a JournalAnswer, err error) {
	return a, c.do(ctx, http.MethodGet, "/v1/journal/"+url.PathEscape(id), nil, nil, &a)
}

// Explain asks what would become of messages, with the state the product has.
func (c *Client) Explain(ctx context.Context, r ExplainRequest) (list []Explanation, err error) {
	return list, c.do(ctx, http.MethodPost, "/v1/explain", nil, r, &list)
}

// StopActions turns the stop switch on.
func (c *Client) StopActions(ctx context.Context, r OperatorRequest) (s Status, err error) {
	return s, c.do(ctx, http.MethodPost, "/v1/actions/stop", nil, r, &s)
}

// ResumeActions turns it off.
func (c *Client) ResumeActions(ctx context.Context, r OperatorRequest) (s Status, err error) {
	return s, c.do(ctx, http.MethodPost, "/v1/actions/resume", nil, r, &s)
}

// Judge records an analyst's verdict.
func (c *Client) Judge(ctx context.Context, r VerdictRequest) (j pipeline.JudgementPart, err error) {
	return j, c.do(ctx, http.MethodPost, "/v1/verdicts", nil, r, &j)
}

// Reload makes the product read its configuration and policies again.
func (c *Client) Reload(ctx context.Context, r OperatorRequest) (a ReloadAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/reload", nil, r, &a)
}

// Quarantine lists refused messages that are kept; an empty filter selects all,
// limit 0 as many as an answer holds.
func (c *Client) Quarantine(ctx context.Context, f pipeline.QuarantineFilter, limit int) (a QuarantineAnswer, err error) {
	v := url.Values{}
	for name, value := range map[string]string{"source": f.Source, "issuer": f.Issuer, "code": f.Code} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if limit > 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	return a, c.do(ctx, http.MethodGet, "/v1/quarantine", v, nil, &a)
}

// Quarantined asks for one message with its text.
func (c *Client) Quarantined(ctx context.Context, id string) (m QuarantinedMessage, err error) {
	return m, c.do(ctx, http.MethodGet, "/v1/quarantine/"+url.PathEscape(id), nil, nil, &m)
}

// RetryQuarantined brings messages to the line again.
func (c *Client) RetryQuarantined(ctx context.Context, r QuarantineRequest) (a RetryAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/quarantine/retry", nil, r, &a)
}

// DropQuarantined removes messages for good.
func (c *Client) DropQuarantined(ctx context.Context, r QuarantineRequest) (a DropAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/quarantine/drop", nil, r, &a)
}
