package transmitter

import (
	"net/http"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// FuzzManage: whatever a receiver writes, the answer is one of those it may have,
// and nothing of another receiver changes.
func FuzzManage(f *testing.F) {
	c := two()
	c.Receivers[0].AllowPrivate = false
	r := serve(f, nil, c)
	mine, other := r.create(appToken, polling(revoked)), r.create(hrToken, polling(revoked))
	before := r.ask(hrToken, "GET", base+"/streams?stream_id="+other, nil).body
	for _, s := range []string{
		`{"stream_id":"ID","description":"x","delivery":{"method":"urn:ietf:rfc:8936"}}`,
		`{"stream_id":"ID","status":"paused"}`,
		`{"stream_id":"ID","subject":{"format":"complex","user":{"format":"email","email":"jane@example.com"}}}`,
		`{"stream_id":"ID","state":"\u0000"}`,
		`{"ack":["x"],"setErrs":{"y":{"err":"z"}},"maxEvents":0,"returnImmediately":true}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "ID", mine)
		for path, method := range map[string]string{
			"/streams": "PATCH", "/status": "POST", "/subjects/add": "POST", "/subjects/remove": "POST", "/verify": "POST",
		} {
			a := r.askIn(t.Context(), appToken, method, base+path, text)
			switch a.status {
			case http.StatusOK, http.StatusNoContent, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound,
				http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
			default:
				t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
			}
		}
		v, err := strictjson.Parse([]byte(text), strictjson.DefaultLimits)
		if req, perr := readPoll(v); err == nil && perr == nil && req.immediately {
			if a := r.askIn(t.Context(), appToken, "POST", base+"/poll/"+mine, text); a.status >= 500 {
				t.Errorf("poll: %d", a.status)
			}
		}
		if after := r.askIn(t.Context(), hrToken, "GET", base+"/streams?stream_id="+other, nil).body; after != before {
			t.Errorf("another receiver's stream became %s", after)
		}
	})
}
