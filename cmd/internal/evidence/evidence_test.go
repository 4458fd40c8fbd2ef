package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

var made = time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)

func newSigner(t testing.TB) *jose.Signer {
	t.Helper()
	s, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keyOf is the public key of a signer as it is kept.
func keyOf(t testing.TB, s *jose.Signer) pipeline.VerifiedKey {
	t.Helper()
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(s.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	return pipeline.VerifiedKey{Thumbprint: s.KeyID(), JWK: set.Keys[0], First: made}
}

func signed(t testing.TB, s *jose.Signer, claims string) string {
	t.Helper()
	text, err := s.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// rig makes bundles of one case.
type rig struct {
	t           testing.TB
	own, issuer *jose.Signer
}

func newRig(t testing.TB) *rig { return &rig{t, newSigner(t), newSigner(t)} }

func (r *rig) content() *Content {
	token := signed(r.t, r.issuer.As("secevent+jwt", "k1"), `{"iss":"https://idp.example.com","jti":"1"}`)
	key := keyOf(r.t, r.issuer)
	key.JWK = bytes.ReplaceAll(key.JWK, []byte(r.issuer.KeyID()), []byte("k1"))
	earlier := keyOf(r.t, newSigner(r.t)) // under the same name
	earlier.JWK = bytes.ReplaceAll(earlier.JWK, []byte(earlier.Thumbprint), []byte("k1"))
	return &Content{
		Documents: []json.RawMessage{
			fmt.Appendf(nil, `{"event":{"id":"e-1","hash":%q,"dataset":"ssf.set"}}`, hashed(token)),
			json.RawMessage(`{"event":{"id":"d-1","dataset":"ssf.decision"},"policy":{"decision_id":"d-1"}}`),
		},
		Tokens: []Token{
			{Seq: 1, Direction: Received, ID: "i-1", Verdict: pipeline.Accepted, Assurance: "signed", Issuer: "https://idp.example.com", JTI: "1", SHA256: hashed(token), Text: token},
			SentToken(2, "a-1", "out-1", signed(r.t, r.own, `{"iss":"https://signals.example.com","jti":"out-1"}`)),
		},
		Decisions: []Decision{{Seq: 1, Event: "e-1", DecisionPart: pipeline.DecisionPart{ID: "d-1", Revision: "r-1", Result: "act"}}},
		Keys:      Keys{Issuers: map[string][]pipeline.VerifiedKey{"https://idp.example.com": {earlier, key}}, Own: r.own.JWKS()},
		Rules:     map[string]string{"signals/x.rego": "package signals.x\n"},
	}
}

func (r *rig) write(c *Content, signer *jose.Signer) []byte {
	r.t.Helper()
	var b bytes.Buffer
	m := Manifest{Made: made, By: "ana", Asked: Asked{Kind: "chain", Value: "d-1"}, Policy: Policy{Revision: "r-1"}}
	if err := Write(&b, &m, c, signer); err != nil {
		r.t.Fatal(err)
	}
	return b.Bytes()
}

// packed makes a bundle of files.
func packed(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := pack(&b, files, made); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func verified(t testing.TB, bundle, jwks []byte) *Report {
	t.Helper()
	report, err := Verify(t.Context(), bytes.NewReader(bundle), jwks)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestVerify(t *testing.T) {
	r := newRig(t)
	bundle := r.write(r.content(), r.own)
	for _, jwks := range [][]byte{nil, r.own.JWKS()} {
		report := verified(t, bundle, jwks)
		if !report.OK() || report.Key != r.own.KeyID() || report.Pinned != (jwks != nil) || report.Manifest.Documents != 2 {
			t.Errorf("report is %+v", report)
		}
		if proven := strings.Join(report.Proven, "\n"); !strings.Contains(proven, "1 token was received") || !strings.Contains(proven, "1 token sent was") {
			t.Errorf("proven is\n%s", proven)
		}
	}
}

// TestTampered: whatever is changed after the export is found.
func TestTampered(t *testing.T) {
	r := newRig(t)
	bundle := r.write(r.content(), r.own)
	files, err := read(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 8 {
		t.Errorf("the bundle holds %v", slices.Sorted(maps.Keys(files)))
	}
	wrong := func(name string, change func(files map[string][]byte), says string) {
		t.Helper()
		changed := maps.Clone(files)
		change(changed)
		report := verified(t, packed(t, changed), nil)
		if report.OK() || !strings.Contains(strings.Join(report.Problems, "\n"), says) || len(report.Proven) > 0 {
			t.Errorf("%s: problems are %q, proven %q", name, report.Problems, report.Proven)
		}
	}
	for name := range files {
		wrong(name+" changed", func(f map[string][]byte) {
			text := bytes.Clone(f[name])
			text[len(text)/2] ^= 1
			f[name] = text
		}, "")
		wrong(name+" longer", func(f map[string][]byte) { f[name] = append(bytes.Clone(f[name]), '\n') }, "")
		wrong(name+" removed", func(f map[string][]byte) { delete(f, name) }, "")
	}
	wrong("added", func(f map[string][]byte) { f["policies/signals/y.rego"] = []byte("package signals.y") }, "policies/signals/y.rego was added")
	wrong("manifest", func(f map[string][]byte) {
		f[manifestFile] = bytes.Replace(f[manifestFile], []byte(`"ana"`), []byte(`"bob"`), 1)
	}, "manifest.json is not what was signed")
	wrong("two files exchanged", func(f map[string][]byte) {
		f[documentsFile], f[decisionsFile] = f[decisionsFile], f[documentsFile]
	}, "was changed")
	wrong("signed by another key", func(f map[string][]byte) {
		f[signatureFile] = []byte(signed(t, newSigner(t).As(tokenType, ""), string(f[manifestFile])))
	}, "is not in the issuer's key set")
	wrong("signed under the name of the key", func(f map[string][]byte) {
		f[signatureFile] = []byte(signed(t, newSigner(t).As(tokenType, r.own.KeyID()), string(f[manifestFile])))
	}, "signature does not verify")
	wrong("a token of the product for the manifest", func(f map[string][]byte) {
		f[signatureFile] = []byte(signed(t, r.own, string(f[manifestFile])))
	}, "typ")

	// Who makes all of it anew can only do so under a key of their own.
	other := newRig(t)
	forged := other.write(other.content(), other.own)
	if report := verified(t, forged, nil); !report.OK() || report.Key == r.own.KeyID() || !strings.Contains(strings.Join(report.NotProven, "\n"), "whose key that is") {
		t.Errorf("report is %+v", report)
	}
	if report := verified(t, forged, r.own.JWKS()); report.OK() {
		t.Error("a bundle of another product passes for one of this")
	}
}

// TestContent: a bundle that the product signed and that does not hold together.
func TestContent(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		change func(*Content)
		says   string
	}{
		"no key of the issuer": {func(c *Content) { delete(c.Keys.Issuers, "https://idp.example.com") }, "there is no key of its issuer"},
		"forged token": {func(c *Content) {
			c.Tokens[0].Text = signed(t, newSigner(t).As("secevent+jwt", "k1"), `{"iss":"https://idp.example.com","jti":"1"}`)
			c.Tokens[0].SHA256 = hashed(c.Tokens[0].Text)
		}, "signature does not verify"},
		"other token":    {func(c *Content) { c.Tokens[0].Text += "x" }, "is not the one that was recorded"},
		"other jti":      {func(c *Content) { c.Tokens[0].JTI = "2" }, "another issuer or jti"},
		"other issuer":   {func(c *Content) { c.Tokens[0].Issuer = "https://x.example.com" }, "there is no key"},
		"sent by others": {func(c *Content) { c.Tokens[1].Text, c.Tokens[1].SHA256 = c.Tokens[0].Text, c.Tokens[0].SHA256 }, "line 2"},
	} {
		content := r.content()
		c.change(content)
		report := verified(t, r.write(content, r.own), nil)
		if len(report.Proven) > 0 || !strings.Contains(strings.Join(report.Problems, "\n"), c.says) {
			t.Errorf("%s: problems are %q", name, report.Problems)
		}
	}
	content := r.content()
	content.Tokens[0].Assurance = "channel"
	content.Documents = append(content.Documents, json.RawMessage(`{"event":{"hash":"00"}}`))
	report := verified(t, r.write(content, r.own), nil)
	if text := strings.Join(report.NotProven, "\n"); !report.OK() || !strings.Contains(text, "without signatures (1 record)") || !strings.Contains(text, "is kept no more") {
		t.Errorf("problems %q, not proven\n%s", report.Problems, text)
	}
}

// TestRead: what is no bundle is an error, and nothing is read without bound.
func TestRead(t *testing.T) {
	r := newRig(t)
	bundle := r.write(r.content(), r.own)
	named := func(name string) []byte { return packed(t, map[string][]byte{name: []byte("x")}) }
	for name, c := range map[string]struct {
		text []byte
		says string
	}{
		"nothing":   {nil, "no bundle"},
		"text":      {[]byte("manifest.json"), "no bundle"},
		"half":      {bundle[:len(bundle)/2], "damaged"},
		"two":       {append(bytes.Clone(bundle), bundle...), "follows the end"},
		"tail":      {append(bytes.Clone(bundle), 0), "follows the end"},
		"upwards":   {named("policies/../manifest.json"), "which no bundle has"},
		"absolute":  {named("/manifest.json"), "which no bundle has"},
		"elsewhere": {named("notes.txt"), "which no bundle has"},
		"large":     {packed(t, map[string][]byte{documentsFile: make([]byte, MaxBytes+3*maxManifest)}), "larger than"},
	} {
		_, err := Verify(t.Context(), bytes.NewReader(c.text), nil)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s", name, err, c.says)
		}
	}
	c := r.content()
	c.Rules["../x"] = ""
	if err := Write(&bytes.Buffer{}, &Manifest{}, c, r.own); err == nil || !strings.Contains(err.Error(), "cannot be the name") {
		t.Errorf("a name that leads elsewhere gives %v", err)
	}
	c = r.content()
	c.Documents = append(c.Documents, json.RawMessage(`"`+strings.Repeat("x", MaxBytes)+`"`))
	if err := Write(&bytes.Buffer{}, &Manifest{}, c, r.own); err == nil || !strings.Contains(err.Error(), "more than a bundle holds") {
		t.Errorf("too large a bundle gives %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	r := newRig(f)
	f.Add(r.write(r.content(), r.own))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, text []byte) {
		report, err := Verify(t.Context(), bytes.NewReader(text), r.own.JWKS())
		if err == nil && report.OK() && report.Key != r.own.KeyID() {
			t.Fatal("verified by no key")
		}
	})
}
