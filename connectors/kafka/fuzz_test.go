package kafka

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// FuzzMessage: whatever a record holds, the message has the source's word for
// sender and mapping, and no header can put control characters into it.
func FuzzMessage(f *testing.F) {
	f.Add("alerts", []byte("k"), []byte(`{"n":1}`), "content-type", []byte("application/json"), int64(0))
	f.Add("sets", []byte(nil), []byte("a.b.c"), "SIGNALBOX-TXN", []byte("t\r\n1"), int64(-1))
	f.Fuzz(func(t *testing.T, topic string, key, value []byte, name string, header []byte, ms int64) {
		r := &kgo.Record{Topic: topic, Offset: 7, Key: key, Value: value, Timestamp: time.UnixMilli(ms), Headers: []kgo.RecordHeader{{Key: name, Value: header}}}
		m := message("edr", &rule{mapping: "plain"}, "p", r, time.Now())
		if m.Source != "edr" || m.Sender != "edr" || m.Mapping != "plain" || m.ContentType == "" || m.Progress.Offset != 7 || string(m.Body) != string(value) {
			t.Errorf("message %+v", m)
		}
		for _, text := range []string{m.ContentType, m.Txn} {
			for _, c := range []byte(text) {
				if len(text) > maxHeader || c < 0x20 || c > 0x7e {
					t.Errorf("%q came through", text)
				}
			}
		}
	})
}
