package jose

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Header is the protected header of a token, checked and immutable.
type Header struct {
	Algorithm string // alg, never none or an HMAC algorithm
	KeyID     string // kid, "" if absent
	Type      string // typ as received, "" if absent
	MediaType string // typ for comparison: lower case, without application/ (SET-01)
}

// headerLimits has room for a certificate chain, so that one is refused for
// what it is and not for its length.
var headerLimits = strictjson.Limits{Bytes: 24 << 10, Depth: 6, Nodes: 128, Members: 32}

// carriedKeys are the members by which a token would bring its own key or tell
// us where to fetch it (JWT-06).
var carriedKeys = []string{"jku", "jwk", "x5u", "x5c"}

// readHeader parses and checks the decoded bytes of a protected header. What
// it returns holds no reference to them.
func readHeader(text []byte) (*Header, *Error) {
	v, err := strictjson.Parse(text, headerLimits)
	if err != nil {
		return nil, refuse(Malformed, "SET-30", "header: "+err.Error())
	}
	if v.Kind() != strictjson.Object {
		return nil, refuse(Malformed, "SET-01", "header is not a JSON object")
	}
	if v.Get("crit").Exists() {
		return nil, refuse(Malformed, "JWT-07", "header member crit names an extension this receiver does not understand")
	}
	if v.Get("b64").Exists() {
		return nil, refuse(Malformed, "JWT-07", "header member b64 is not supported")
	}
	for _, name := range carriedKeys {
		if v.Get(name).Exists() {
			return nil, refuse(BadKey, "JWT-06", "header member "+name+" is not accepted: keys come from the issuer's key set only")
		}
	}
	alg := v.Get("alg")
	switch {
	case alg.Kind() != strictjson.String:
		return nil, refuse(Malformed, "JWT-02", "header member alg must be a string")
	case strings.EqualFold(alg.Text(), "none"):
		return nil, refuse(Unsigned, "JWT-01", "token is not signed: alg is none")
	case strings.HasPrefix(strings.ToUpper(alg.Text()), "HS"):
		return nil, refuse(BadAlgorithm, "JWT-03", "algorithm "+quote(alg.Text())+" is not accepted: tokens are not verified with shared secrets")
	}
	kid, typ := v.Get("kid"), v.Get("typ")
	if kid.Exists() && kid.Kind() != strictjson.String {
		return nil, refuse(Malformed, "KEY-03", "header member kid must be a string")
	}
	if typ.Exists() && typ.Kind() != strictjson.String {
		return nil, refuse(Malformed, "SET-01", "header member typ must be a string")
	}
	return &Header{
		Algorithm: alg.Text(),
		KeyID:     kid.Text(),
		Type:      typ.Text(),
		MediaType: mediaType(typ.Text()),
	}, nil
}

// mediaType brings a typ value to the form types are compared in: the prefix
// application/ may be left out and letter case does not count (RFC 7515
// section 4.1.9).
func mediaType(typ string) string {
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}

// headerCache remembers checked headers by their encoded bytes: a header
// repeats with every token of a key. Only headers of tokens whose signature
// was verified come in, so strangers cannot crowd out the others. It is safe
// for concurrent use and reading takes no lock.
type headerCache struct {
	known atomic.Pointer[map[string]*Header]
	mu    sync.Mutex // serializes writers
}

// headerCacheSize bounds the cache; reaching it starts the cache over.
const headerCacheSize = 256

func (c *headerCache) get(encoded []byte) *Header {
	if m := c.known.Load(); m != nil {
		return (*m)[string(encoded)]
	}
	return nil
}

func (c *headerCache) add(encoded []byte, h *Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[string]*Header{string(encoded): h}
	if m := c.known.Load(); m != nil && len(*m) < headerCacheSize {
		for k, v := range *m {
			next[k] = v
		}
	}
	c.known.Store(&next)
}

// quote shows a stranger's text in a message, short and without controls.
func quote(s string) string {
	const limit = 64
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return strconv.QuoteToASCII(s)
}
