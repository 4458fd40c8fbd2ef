package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Report is what a check found.
type Report struct {
	Manifest Manifest `json:"manifest"`
	// Key is the thumbprint of the key that signed the manifest; Pinned tells
	// that the caller had named it.
	Key       string   `json:"key,omitempty"`
	Pinned    bool     `json:"pinned"`
	Problems  []string `json:"problems"` // none: the bundle is what was signed
	Proven    []string `json:"proven"`
	NotProven []string `json:"not_proven"`
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// maxProblems bounds what is told of a bundle with many faults.
const maxProblems = 100

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

func (r *Report) proven(format string, args ...any) {
	r.Proven = append(r.Proven, fmt.Sprintf(format, args...))
}

func (r *Report) unproven(format string, args ...any) {
	r.NotProven = append(r.NotProven, fmt.Sprintf(format, args...))
}

// Verify checks a bundle by itself. jwks are the keys one of which must have
// signed it; nil takes the product's keys that the bundle brings, by which only
// the bundle's own word stands for whose they are. The error is a bundle that
// cannot be read at all, or bad jwks.
func Verify(ctx context.Context, in io.Reader, jwks []byte) (*Report, error) {
	r := &Report{Pinned: jwks != nil, Problems: []string{}, Proven: []string{}, NotProven: []string{}}
	files, err := read(in)
	if err != nil {
		return nil, err
	}
	var keys Keys
	if text, ok := files[keysFile]; !ok {
		r.problem("%s is missing", keysFile)
	} else if err := json.Unmarshal(text, &keys); err != nil {
		r.problem("%s cannot be read: %v", keysFile, err)
	}
	if jwks == nil {
		jwks = keys.Own
	}
	signers, err := jose.Static(jwks)
	if err != nil && r.Pinned {
		return nil, err
	}
	if err != nil {
		r.problem("%s holds no keys of the product", keysFile)
		signers, _ = jose.Static([]byte(`{"keys":[]}`))
	}
	r.signature(ctx, files, signers)
	r.files(files)
	if !r.OK() {
		return r, nil
	}
	whose := "the bundle brings the key itself: compare its name with what signalbox keys list prints at the product, or give that key with --jwks"
	if r.Pinned {
		r.proven("every file is as the product with the given key %s signed it on %s", r.Key, r.Manifest.Made.Format("2006-01-02 15:04:05Z07:00"))
	} else {
		r.proven("every file is as key %s signed it", r.Key)
		r.unproven("whose key that is: %s", whose)
	}
	docs := r.documents(files[documentsFile])
	r.tokens(ctx, files[tokensFile], keys, docs)
	r.decisions(files[decisionsFile], docs)
	r.limits()
	if !r.OK() {
		r.Proven = []string{}
	}
	return r, nil
}

// signature checks the manifest and reads it.
func (r *Report) signature(ctx context.Context, files map[string][]byte, keys jose.KeySet) {
	text, ok := files[signatureFile]
	if !ok {
		r.problem("%s is missing: nothing is signed", signatureFile)
		return
	}
	parser := jose.Parser{MaxBytes: 2 * maxManifest}
	c, err := parser.Parse(text)
	if err != nil {
		r.problem("%s: %v", signatureFile, err)
		return
	}
	key, err := jose.Verify(ctx, c, keys, jose.Policy{Algorithms: []string{"ES256", "EdDSA", "RS256"}, Types: []string{tokenType}})
	if err != nil {
		r.problem("%s: %v", signatureFile, err)
		return
	}
	r.Key = key.Thumbprint()
	if !bytes.Equal(c.Payload, files[manifestFile]) {
		r.problem("%s is not what was signed", manifestFile)
	}
	if err := json.Unmarshal(c.Payload, &r.Manifest); err != nil {
		r.problem("%s cannot be read: %v", manifestFile, err)
	} else if r.Manifest.Format != format {
		r.problem("the bundle has format %d, this program reads %d", r.Manifest.Format, format)
	}
}

// files compares what is there with what the manifest lists.
func (r *Report) files(files map[string][]byte) {
	listed := map[string]bool{manifestFile: true, signatureFile: true}
	for _, f := range r.Manifest.Files {
		listed[f.Name] = true
		text, ok := files[f.Name]
		sum := sha256.Sum256(text)
		switch {
		case !ok:
			r.problem("%s is missing", f.Name)
		case len(text) != f.Size || hex.EncodeToString(sum[:]) != f.SHA256:
			r.problem("%s was changed", f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !listed[name] {
			r.problem("%s was added", name)
		}
	}
}

// recorded is what documents say of the tokens and decisions they stand for.
type recorded struct {
	hashes    map[string]string // input id or document id -> event.hash
	jtis      map[string]bool   // of tokens sent
	decisions map[string]bool
}

func (r *Report) documents(text []byte) recorded {
	x := recorded{map[string]string{}, map[string]bool{}, map[string]bool{}}
	n := 0
	r.each(documentsFile, text, func(line []byte) error {
		n++
		v, err := strictjson.Parse(line, strictjson.Limits{})
		if err != nil {
			return err
		}
		if h := v.Get("event", "hash").Text(); h != "" {
			x.hashes[h] = v.Get("event", "id").Text()
		}
		switch v.Get("event", "dataset").Text() {
		case "ssf.action":
			if jti := v.Get("action", "jti").Text(); jti != "" {
				x.jtis[jti] = true
			}
		case "ssf.decision":
			x.decisions[v.Get("policy", "decision_id").Text()] = true
		}
		return nil
	})
	if n != r.Manifest.Documents {
		r.problem("%s holds %d documents, the manifest says %d", documentsFile, n, r.Manifest.Documents)
	}
	return x
}

// each hands over the lines of a file.
func (r *Report) each(name string, text []byte, take func(line []byte) error) {
	for i, line := range bytes.SplitAfter(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if err := take(line); err != nil {
			r.problem("%s, line %d: %v", name, i+1, err)
		}
	}
}

func (r *Report) tokens(ctx context.Context, text []byte, keys Keys, docs recorded) {
	issuers := map[string][]*jose.Set{}
	for issuer, list := range keys.Issuers {
		var err error
		if issuers[issuer], err = keySets(list); err != nil {
			r.problem("%s: keys of %s: %v", keysFile, issuer, err)
		}
	}
	own, err := jose.Static(keys.Own)
	if err != nil {
		r.problem("%s: %v", keysFile, err)
		return
	}
	var signed, sent, word, refused int
	have := map[string]bool{}
	r.each(tokensFile, text, func(line []byte) error {
		var t Token
		if err := json.Unmarshal(line, &t); err != nil {
			return err
		}
		raw := t.raw()
		sum := sha256.Sum256(raw)
		whole := hex.EncodeToString(sum[:]) == t.SHA256
		have[t.SHA256], have[t.JTI] = true, true
		switch {
		case t.Direction == Sent:
			sent++
			return check(ctx, &t, whole, own)
		case t.Verdict == pipeline.Rejected:
			refused++ // kept up to a bound, so that the hash may be of more
			return nil
		case !whole:
			return errors.New("the message is not the one that was recorded")
		case t.Assurance != string(event.Signed):
			word++
			return nil
		}
		signed++
		return check(ctx, &t, whole, issuers[t.Issuer]...)
	})
	if signed > 0 {
		r.proven("%s received, each verified with a key recorded of its issuer", counted(signed, "token was", "tokens were"))
		r.unproven("that the recorded keys were the issuers' own: ask them for the thumbprints in %s", keysFile)
	}
	if sent > 0 {
		r.proven("%s signed by the product's own keys", counted(sent, "token sent was", "tokens sent were"))
		r.unproven("that receivers took what was sent: their answers are in the documents, by the product's word")
	}
	if word > 0 {
		r.unproven("what came over channels without signatures (%s): the product's word", counted(word, "record", "records"))
	}
	if refused > 0 {
		r.unproven("refused messages (%d): they are shown as far as they were kept, and are nobody's word", refused)
	}
	if slices.Contains(r.Manifest.LeftOut, "originals") {
		r.unproven("what tokens said: originals were left out of the bundle")
		return
	}
	missing := 0
	for h := range docs.hashes {
		if !have[h] {
			missing++
		}
	}
	if n := len(docs.hashes) - missing; n > 0 {
		r.proven("documents of %s name tokens or records that are in the bundle, by their SHA-256", counted(n, "message", "messages"))
	}
	if missing > 0 {
		r.unproven("documents of %s: the original is kept no more", counted(missing, "message", "messages"))
	}
}

// maxToken bounds the tokens that are checked.
const maxToken = 1 << 20

// check verifies the signature of a token with one of the keys, and that it is
// the one it is said to be.
func check(ctx context.Context, t *Token, whole bool, keys ...*jose.Set) error {
	if !whole {
		return errors.New("the token is not the one that was recorded")
	}
	parser := jose.Parser{MaxBytes: maxToken}
	c, err := parser.Parse(t.raw())
	if err != nil {
		return err
	}
	policy := jose.Policy{Algorithms: []string{c.Header.Algorithm}, Types: []string{c.Header.MediaType}}
	err = fmt.Errorf("there is no key of its issuer %s", t.Issuer)
	for _, k := range keys {
		if _, err = jose.Verify(ctx, c, k, policy); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	claims, err := strictjson.Parse(c.Payload, strictjson.DefaultLimits)
	if err != nil {
		return err
	}
	if claims.Get("jti").Text() != t.JTI || t.Issuer != "" && claims.Get("iss").Text() != t.Issuer {
		return errors.New("the token says another issuer or jti than was recorded of it")
	}
	return nil
}

func (r *Report) decisions(text []byte, docs recorded) {
	n := 0
	r.each(decisionsFile, text, func(line []byte) error {
		n++
		var d Decision
		if err := json.Unmarshal(line, &d); err != nil {
			return err
		}
		delete(docs.decisions, d.ID)
		return nil
	})
	if n != r.Manifest.Decisions {
		r.problem("%s holds %d decisions, the manifest says %d", decisionsFile, n, r.Manifest.Decisions)
	}
	if n == 0 {
		return
	}
	of := r.Manifest.Policy
	if len(of.Decided) == 1 && of.Decided[of.Revision] > 0 {
		r.unproven("that the rules in policies/ give these decisions: they bear the same revision; evaluate them on the inputs in %s", decisionsFile)
		return
	}
	r.unproven("what the rules were that decided: those in policies/ are of revision %s, the decisions of %s", of.Revision, strings.Join(slices.Sorted(maps.Keys(of.Decided)), ", "))
}

// limits says what no bundle proves.
func (r *Report) limits() {
	r.unproven("that nothing was left out: a bundle holds what the index found for what was asked")
	r.unproven("times of records: they are by the product's clock")
	if n := len(r.Manifest.Gaps); n > 0 {
		r.unproven("%s of the journal: kept no more, only their documents are here", counted(n, "record", "records"))
	}
	if r.Manifest.Partial != "" {
		r.unproven("that all was found: %s", r.Manifest.Partial)
	}
}

// keySets makes a key set of each recorded key: an issuer may have used one
// name for several.
func keySets(list []pipeline.VerifiedKey) (sets []*jose.Set, err error) {
	for _, k := range list {
		s, err := jose.Static(fmt.Appendf(nil, `{"keys":[%s]}`, k.JWK))
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	return sets, nil
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
