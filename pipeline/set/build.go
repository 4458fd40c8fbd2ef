package set

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Claims is what an outgoing token says. It states one event (SET-13).
type Claims struct {
	Issuer   string
	Audience []string // written as a string when there is one
	IssuedAt time.Time
	JTI      string
	Txn      string // "" leaves it out
	TimeOf   time.Time
	Subject  event.Subject
	Inside   bool   // the payload names the subject itself, so no sub_id does (OKTA-03)
	Event    string // URI
	Body     []byte // payload, a JSON object; nil: {}
}

// Build returns the claims as JSON, to be signed. It makes what our own
// verifier accepts under the strict rules, or those of Okta's dialect where the
// subject is inside: every required claim, and neither exp nor sub nor nonce
// (SET-02 to SET-16). Times are whole seconds.
func Build(c Claims) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("build token %s: %w", c.JTI, err)
	}
	b := make([]byte, 0, 512+len(c.Body))
	b = append(b, `{"iss":`...)
	b = strictjson.AppendString(b, c.Issuer)
	b = append(b, `,"aud":`...)
	if len(c.Audience) == 1 {
		b = strictjson.AppendString(b, c.Audience[0])
	} else {
		for i, aud := range c.Audience {
			b = append(b, "[,"[min(i, 1)])
			b = strictjson.AppendString(b, aud)
		}
		b = append(b, ']')
	}
	b = append(b, `,"iat":`...)
	b = strconv.AppendInt(b, c.IssuedAt.Unix(), 10)
	b = append(b, `,"jti":`...)
	b = strictjson.AppendString(b, c.JTI)
	if c.Txn != "" {
		b = append(b, `,"txn":`...)
		b = strictjson.AppendString(b, c.Txn)
	}
	if !c.TimeOf.IsZero() {
		b = append(b, `,"toe":`...)
		b = strconv.AppendInt(b, c.TimeOf.Unix(), 10)
	}
	if !c.Inside {
		b = append(b, `,"sub_id":`...)
		b = c.Subject.AppendJSON(b)
	}
	b = append(b, `,"events":{`...)
	b = strictjson.AppendString(b, c.Event)
	b = append(b, ':')
	if c.Body == nil {
		b = append(b, `{}`...)
	} else {
		b = append(b, c.Body...)
	}
	return append(b, `}}`...), nil
}

func (c *Claims) check() error {
	switch {
	case c.Issuer == "":
		return errors.New("issuer is missing")
	case len(c.Audience) == 0:
		return errors.New("audience is missing")
	case c.IssuedAt.Unix() <= 0:
		return errors.New("time of issue is missing")
	case c.JTI == "":
		return errors.New("jti is missing")
	case c.Inside == c.Subject.IsZero():
	case c.Inside:
		return errors.New("the subject is given twice")
	default:
		return errors.New("subject is missing")
	}
	switch {
	case !isURI(c.Event):
		return fmt.Errorf("event %q is not a URI", c.Event)
	case c.Body == nil:
		return nil
	}
	body, err := strictjson.Parse(c.Body, strictjson.DefaultLimits)
	if err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	if body.Kind() != strictjson.Object {
		return errors.New("payload is not an object")
	}
	return nil
}

// appendSeconds appends a time as a NumericDate, with a fraction if it has one.
func appendSeconds(b []byte, t time.Time) []byte {
	b = strconv.AppendInt(b, t.Unix(), 10)
	if ms := t.Nanosecond() / 1e6; ms != 0 {
		b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	}
	return b
}
