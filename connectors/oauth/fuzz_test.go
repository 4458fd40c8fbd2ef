package oauth

import "testing"

// FuzzToken: what a token endpoint answers gives a token or an error.
func FuzzToken(f *testing.F) {
	f.Add([]byte(`{"access_token":"t","token_type":"Bearer","expires_in":3600}`))
	f.Add([]byte(`{"access_token":"t","expires_in":-1e308}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		token, lasts, err := read(text)
		if (err == nil) != (token != "") || lasts < 0 || lasts > longestLife {
			t.Errorf("%q, %v, %v", token, lasts, err)
		}
	})
}
