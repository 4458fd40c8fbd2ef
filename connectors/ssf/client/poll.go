package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Poll is one request for SETs (RFC 8936 section 2.2).
type Poll struct {
	Most        int  // SETs at once; 0: acknowledge only (POLL-04); negative: no limit
	Immediately bool // do not wait where nothing is there
	Ack         []string
	Errors      []SetError // tokens that were refused; none of them is in Ack (POLL-11)
	MaxBytes    int64      // of the answer; 0: 4 MiB
	Wait        time.Duration
}

// SetError is why a token was refused.
type SetError struct {
	JTI   string
	Error ssf.Error
}

// Polled is the answer (RFC 8936 section 2.3).
type Polled struct {
	Sets []Set
	More bool // more wait (POLL-17)
}

// Set is a token under the name it is acknowledged by (POLL-19). What is no
// token is the JSON text that stood in its place.
type Set struct {
	JTI   string
	Token []byte
}

// Bounds of the answer to a poll.
const (
	defaultPollBytes = 4 << 20
	mostSets         = 5000 // of one answer, whatever was asked for
)

// Poll asks at the poll endpoint of a stream, whose query is kept. A Wait of zero
// is the client's own time limit.
func (c *Client) Poll(ctx context.Context, endpoint string, p Poll) (Polled, error) {
	const op = "poll"
	if problem := c.endpointProblem(endpoint); problem != "" {
		return Polled{}, fmt.Errorf("%s: endpoint_url of the stream cannot be used: %s", op, problem)
	}
	body, err := p.body()
	if err != nil {
		return Polled{}, fmt.Errorf("%s: %w", op, err)
	}
	if p.MaxBytes <= 0 {
		p.MaxBytes = defaultPollBytes
	}
	k := call{op: op, method: http.MethodPost, url: endpoint, body: body, most: p.MaxBytes, timeout: p.Wait, header: http.Header{}}
	if len(p.Errors) > 0 {
		k.header.Set("Content-Language", "en") // POLL-13
	}
	a, err := c.do(ctx, k, http.StatusOK)
	if err != nil {
		return Polled{}, err
	}
	got, err := readPoll(a.body, p.MaxBytes)
	if err != nil {
		return Polled{}, fmt.Errorf("%s: %w", op, err)
	}
	return got, nil
}

// body is the request (POLL-01). A request that only acknowledges asks for the
// answer at once, else it would wait for nothing (POLL-05).
func (p Poll) body() ([]byte, error) {
	m := map[string]any{}
	if p.Most >= 0 {
		m["maxEvents"] = p.Most
	}
	if p.Immediately || p.Most == 0 {
		m["returnImmediately"] = true
	}
	if len(p.Ack) > 0 {
		m["ack"] = p.Ack
	}
	if len(p.Errors) > 0 {
		errs := make(map[string]json.RawMessage, len(p.Errors))
		for _, e := range p.Errors {
			errs[e.JTI] = e.Error.AppendJSON(nil)
		}
		m["setErrs"] = errs
	}
	return json.Marshal(m)
}

// readPoll reads an answer, its tokens in the order of the text. An answer that
// gives one name twice is refused whole: what would be acknowledged by it?
func readPoll(body []byte, most int64) (Polled, error) {
	v, err := strictjson.Parse(body, strictjson.Limits{Bytes: int(most), Depth: 16, Nodes: 4 * mostSets, Members: mostSets})
	if err != nil {
		return Polled{}, fmt.Errorf("the answer cannot be read: %w", err)
	}
	if v.Kind() != strictjson.Object {
		return Polled{}, fmt.Errorf("the answer is no JSON object")
	}
	sets := v.Get("sets")
	if sets.Exists() && sets.Kind() != strictjson.Object && sets.Kind() != strictjson.Null {
		return Polled{}, fmt.Errorf("member sets of the answer is no object")
	}
	got := Polled{More: v.Get("moreAvailable").Bool()}
	for jti, token := range sets.Members() {
		if jti == "" || len(jti) > mostID {
			return Polled{}, fmt.Errorf("a name in sets has %d bytes: %q", len(jti), pipeline.Clean(jti))
		}
		s := Set{JTI: jti}
		if token.Kind() == strictjson.String {
			s.Token = []byte(token.Text())
		} else {
			s.Token = append(s.Token, token.Raw()...)
		}
		got.Sets = append(got.Sets, s)
	}
	return got, nil
}
