package receiver

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func unbase64(s string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(s)
	return b
}

// stream opens and starts a source whose stream is there already.
func stream(t *testing.T, tx *pipelinetest.Transmitter, c *Config, h pipeline.Handler) (s *source, id string) {
	t.Helper()
	tx.Mute = true
	id = tx.Make(ours())
	s = open(t, c, tx, "")
	start(t, s, h)
	synctest.Wait()
	return s, id
}

// polls are the requests to the poll endpoint.
func polls(t *testing.T, tx *pipelinetest.Transmitter, id string) (list []map[string]any) {
	for _, a := range tx.Asked("POST", "/poll/"+id) {
		list = append(list, decode(t, a))
	}
	return list
}

// TestAcknowledges: what was taken is acknowledged by its outer name, what was
// refused is reported instead and does not come back.
func TestAcknowledges(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		rec := pipelinetest.NewRecorder()
		rec.Reject("poison", &pipeline.RejectError{Code: pipeline.InvalidKey, Description: "unknown key"})
		rec.Reject("ours", &pipeline.RejectError{Code: pipeline.Unmapped, Description: "x"})
		_, id := stream(t, tx, configured(), rec)
		for _, jti := range []string{"good", "poison", "ours"} {
			tx.Offer(id, jti, jti)
		}
		time.Sleep(time.Second)
		req.Equal(t, "POLL-09 POLL-19", tx.Acked(id), []string{"good"})
		req.Equal(t, "POLL-11 POLL-12", tx.Refused(id), map[string]string{"poison": "invalid_key", "ours": "invalid_request"})
		for _, p := range polls(t, tx, id) {
			acked, _ := p["ack"].([]any)
			refused, _ := p["setErrs"].(map[string]any)
			for _, jti := range acked {
				if _, both := refused[jti.(string)]; both {
					t.Errorf("%v is in ack and setErrs", jti)
				}
			}
		}
		tx.Offer(id, "good", "good") // again, though it was acknowledged
		time.Sleep(time.Second)
		req.Equal(t, "POLL-14", tx.Acked(id), []string{"good", "good"})
	})
}

// TestNamesToken: the outer name goes along, for the verifier to compare.
func TestNamesToken(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		var mu sync.Mutex
		var got []pipeline.Message
		_, id := stream(t, tx, configured(), pipeline.HandlerFunc(func(_ context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, msgs...)
			return make([]pipeline.Receipt, len(msgs)), nil
		}))
		tx.Offer(id, "outer", "x.y.z")
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(got) != 1 || got[0].JTI != "outer" || got[0].Sender != issuer || got[0].Delivery != "poll" || got[0].Source != "idp" {
			t.Errorf("messages %+v", got)
		}
	})
}

// TestLostAcknowledgement: an acknowledgement whose request failed is sent again.
func TestLostAcknowledgement(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		_, id := stream(t, tx, configured(), pipelinetest.NewRecorder())
		var mu sync.Mutex
		lost := 0
		tx.Intercept(func(w http.ResponseWriter, r *http.Request, body []byte) bool {
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(string(body), `"ack"`) && lost < 3 {
				lost++
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
			return false
		})
		tx.Offer(id, "a", "a")
		time.Sleep(time.Minute)
		req.Equal(t, "POLL-23", tx.Acked(id), []string{"a"})
	})
}

// TestMoreAvailable: more is fetched at once; a transmitter that says so for
// ever and gives nothing is not asked without end.
func TestMoreAvailable(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		c := configured()
		c.Poll = &Poll{MaxEvents: 2}
		rec := pipelinetest.NewRecorder()
		_, id := stream(t, tx, c, rec)
		began := time.Now()
		for i := range 21 {
			tx.Offer(id, fmt.Sprint(i), fmt.Sprint(i))
		}
		for len(tx.Acked(id)) < 21 {
			time.Sleep(time.Millisecond)
		}
		req.True(t, "POLL-25", time.Since(began) < time.Second, "it took %v", time.Since(began))
		for _, p := range polls(t, tx, id) {
			if p["maxEvents"] != 2.0 {
				t.Errorf("maxEvents %v", p["maxEvents"])
			}
		}

		for name, answer := range map[string]string{"empty": `{"sets":{},"moreAvailable":true}`, "the same": `{"sets":{"1":"1"},"moreAvailable":true}`} {
			before := len(polls(t, tx, id))
			tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if strings.HasPrefix(r.URL.Path, "/poll") {
					fmt.Fprint(w, answer)
				}
				return strings.HasPrefix(r.URL.Path, "/poll")
			})
			time.Sleep(10 * time.Minute)
			n := len(polls(t, tx, id)) - before
			req.True(t, "POLL-25", n < 200, "%s: %d polls in ten minutes", name, n)
		}
	})
}

// TestLongPoll: one request waits at a time, and none hurries while nothing is
// there; a transmitter that never holds back is not asked without end.
func TestLongPoll(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		_, id := stream(t, tx, configured(), pipelinetest.NewRecorder())
		time.Sleep(10 * time.Minute)
		n := len(polls(t, tx, id))
		req.True(t, "POLL-26", n >= 19 && n < 24, "%d polls in ten minutes", n)
		for _, p := range polls(t, tx, id) {
			if _, given := p["returnImmediately"]; given {
				t.Errorf("a long poll is %v", p)
			}
		}
		tx.Set(func(tx *pipelinetest.Transmitter) { tx.ShortPoll = true })
		time.Sleep(10 * time.Minute)
		m := len(polls(t, tx, id)) - n
		req.True(t, "POLL-25", m > 50 && m < 90, "%d polls in ten minutes of a transmitter that does not wait", m)
	})
}

func TestShortPoll(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		c := configured()
		c.Poll = &Poll{Short: true, Interval: time.Minute}
		_, id := stream(t, tx, c, pipelinetest.NewRecorder())
		time.Sleep(10*time.Minute + time.Second)
		list := polls(t, tx, id)
		if n := len(list); n < 10 || n > 13 {
			t.Errorf("%d polls in ten minutes", n)
		}
		for _, p := range list {
			if p["returnImmediately"] != true {
				t.Errorf("a short poll is %v", p)
			}
		}
	})
}

// TestBackOff: a transmitter in trouble is left alone for as long as it asks.
func TestBackOff(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		s, id := stream(t, tx, configured(), pipelinetest.NewRecorder())
		header := "600"
		tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			if strings.HasPrefix(r.URL.Path, "/poll") {
				w.Header().Set("Retry-After", header)
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return strings.HasPrefix(r.URL.Path, "/poll")
		})
		tx.Offer(id, "a", "a") // ends the poll under way
		time.Sleep(time.Second)
		before := len(polls(t, tx, id))
		time.Sleep(9 * time.Minute)
		if n := len(polls(t, tx, id)) - before; n > 1 {
			t.Errorf("%d polls though it asked for ten minutes", n)
		}
		if f := s.Feed(); f.Status != pipeline.FeedDegraded {
			t.Errorf("feed %+v", f)
		}
		tx.Intercept(nil)
		time.Sleep(12 * time.Minute)
		if !slices.Contains(tx.Acked(id), "a") {
			t.Error("the token was not fetched afterwards")
		}
	})
}

// TestHeldBack: what cannot be handled now is kept, not acknowledged, and comes
// to its outcome even if the transmitter does not offer it again.
func TestHeldBack(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		var mu sync.Mutex
		blocked, tries := true, 0
		rec := pipelinetest.NewRecorder()
		c := configured()
		c.Poll = &Poll{MaxEvents: 2}
		_, id := stream(t, tx, c, pipeline.HandlerFunc(func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
			mu.Lock()
			defer mu.Unlock()
			receipts, err := rec.Handle(ctx, msgs)
			for i, m := range msgs {
				if strings.HasPrefix(string(m.Body), "later") && blocked {
					tries++
					receipts[i] = pipeline.Receipt{Retry: errors.New("keys out of reach")}
				}
			}
			return receipts, err
		}))
		tx.Offer(id, "later1", "later1")
		tx.Offer(id, "now", "now")
		time.Sleep(30 * time.Second)
		if got := tx.Acked(id); !slices.Equal(got, []string{"now"}) {
			t.Errorf("acknowledged %q", got)
		}
		tx.Offer(id, "later2", "later2")
		time.Sleep(10 * time.Minute)
		mu.Lock()
		n := tries
		blocked = false
		mu.Unlock()
		if n > 100 {
			t.Errorf("tried %d times", n)
		}
		time.Sleep(2 * time.Minute)
		got := tx.Acked(id)
		slices.Sort(got)
		req.Equal(t, "POLL-09", got, []string{"later1", "later2", "now"})
	})
}

// TestStopsInTheMiddle: a stop while a batch is on the line finishes it and
// tells the transmitter; what was not fetched stays there.
func TestStopsInTheMiddle(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		tx.Mute = true
		id := tx.Make(ours())
		entered := make(chan struct{})
		var once sync.Once
		rec := pipelinetest.NewRecorder()
		c := configured()
		c.Poll = &Poll{MaxEvents: 1}
		stop := start(t, open(t, c, tx, ""), pipeline.HandlerFunc(func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
			once.Do(func() { close(entered) })
			time.Sleep(3 * time.Second)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return rec.Handle(ctx, msgs)
		}))
		tx.Offer(id, "a", "a")
		tx.Offer(id, "b", "b")
		<-entered
		stop()
		req.Equal(t, "POLL-09 POLL-23", tx.Acked(id), []string{"a"})
		start(t, open(t, c, tx, ""), rec)
		time.Sleep(time.Minute)
		req.Equal(t, "POLL-09", tx.Acked(id), []string{"a", "b"})
		if rec.Times("a") != 1 || rec.Times("b") != 1 {
			t.Errorf("handled %d and %d times", rec.Times("a"), rec.Times("b"))
		}
	})
}
