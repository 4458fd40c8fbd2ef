package elasticsearch

import (
	"errors"
	"slices"
	"testing"
)

// FuzzAnswer reads answers of a server to a request of two documents: all of them
// are told of, or nothing is believed.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		`{"items":[{"create":{"_index":"i","_id":"a","status":201}},{"create":{"_index":"j","_id":"b","status":409}}]}`,
		`{"items":[{"create":{"_index":"i","_id":"a","status":201}},{"create":{"_index":"j","_id":"b","status":409}}]} and more`,
		`{"items":[{"create":{"_index":"i","_id":"a","status":201}},{"create":{"_id":"b","status":409,"error":{"type":"t","reason":"r","caused_by":{"type":"u"}}}}]}`,
		`{"items":[{"create":{"_id":"b","status":201}},{"create":{"_id":"a","status":201}}]}`,
		`{"items":[{"create":{"_id":"a","status":"201"}},{"index":{}}]}`,
		`{"items":{}}`, `{"error":{}}`, `[]`, ``,
	} {
		f.Add([]byte(text))
	}
	items := []*item{{id: "a"}, {id: "b"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := decode(body, items)
		switch {
		case err != nil && !errors.Is(err, errAnswer):
			t.Errorf("error is %v", err)
		case err == nil && len(list) != len(items):
			t.Errorf("%d outcomes of %d documents", len(list), len(items))
		}
		if short, ok := plain(body, items); ok {
			long, err := whole(body, items)
			if err != nil || !slices.EqualFunc(short, long, func(a, b outcome) bool { return a.status == b.status && a.index == b.index }) {
				t.Errorf("%v, but the whole answer says %v, %v", short, long, err)
			}
		}
		for _, o := range list {
			if text := fault(o.detail); text == "" || len(text) > 400 {
				t.Errorf("fault is %q", text)
			}
		}
	})
}
