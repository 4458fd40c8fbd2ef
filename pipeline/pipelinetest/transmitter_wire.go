package pipelinetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// ServeHTTP implements http.Handler.
func (tx *Transmitter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	tx.mu.Lock()
	tx.ledger = append(tx.ledger, Asked{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Clone(), string(body)})
	f := tx.intercept
	tx.mu.Unlock()
	defer func() {
		tx.mu.Lock()
		defer tx.mu.Unlock()
		tx.changed()
	}()
	w.Header().Set("Date", tx.Now().UTC().Format(http.TimeFormat))
	if f != nil && f(w, r, body) {
		return
	}
	switch {
	case r.URL.Path == "/.well-known/ssf-configuration":
		tx.answer(w, http.StatusOK, tx.metadata())
	case r.URL.Path == "/jwks.json":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(tx.Signer.JWKS())
	case tx.Token != "" && r.Header.Get("Authorization") != "Bearer "+tx.Token:
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		tx.answer(w, http.StatusUnauthorized, nil)
	case strings.HasPrefix(r.URL.Path, "/poll/"):
		tx.poll(r.Context(), w, strings.TrimPrefix(r.URL.Path, "/poll/"), body)
	default:
		tx.manage(w, r, body)
	}
}

func (tx *Transmitter) answer(w http.ResponseWriter, status int, v any) {
	if v == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (tx *Transmitter) metadata() map[string]any {
	return map[string]any{
		"spec_version": "1_0", "issuer": tx.URL, "jwks_uri": tx.URL + "/jwks.json",
		"delivery_methods_supported": []string{methodPush, methodPoll},
		"configuration_endpoint":     tx.URL + "/streams", "status_endpoint": tx.URL + "/status",
		"add_subject_endpoint": tx.URL + "/subjects/add", "remove_subject_endpoint": tx.URL + "/subjects/remove",
		"verification_endpoint": tx.URL + "/verify", "default_subjects": "ALL",
		"authorization_schemes": []any{map[string]any{"spec_urn": "urn:ietf:rfc:6749"}},
	}
}

// create makes a stream. The caller holds the lock.
func (tx *Transmitter) create(wanted map[string]any) *txStream {
	tx.next++
	id := fmt.Sprintf("stream-%d", tx.next)
	s := &txStream{status: "enabled", refused: map[string]string{}, config: map[string]any{
		"stream_id": id, "iss": tx.URL, "aud": tx.Audience, "events_supported": Vocabulary(),
	}}
	if tx.Every > 0 {
		s.config["min_verification_interval"] = int(tx.Every.Seconds())
	}
	if tx.Inactivity > 0 {
		s.config["inactivity_timeout"] = int(tx.Inactivity.Seconds())
	}
	tx.streams[id] = s
	s.apply(tx, wanted)
	return s
}

// Vocabulary is what the transmitter supports.
func Vocabulary() []string {
	var list []string
	for _, name := range []string{"session-revoked", "credential-change", "account-disabled"} {
		t, _ := event.ByName(name)
		list = append(list, t.URI)
	}
	return list
}

// apply takes over what a receiver may say. The caller holds the lock.
func (s *txStream) apply(tx *Transmitter, wanted map[string]any) {
	for _, name := range []string{"events_requested", "description", "delivery"} {
		if v, ok := wanted[name]; ok {
			s.config[name] = v
		}
	}
	if d, ok := s.config["delivery"].(map[string]any); !ok || d["method"] == methodPoll {
		s.config["delivery"] = map[string]any{"method": methodPoll, "endpoint_url": tx.URL + "/poll/" + s.config["stream_id"].(string) + "?key=k%201"}
	}
	delivered := []string{}
	requested, _ := s.config["events_requested"].([]any)
	for _, uri := range requested {
		if text, _ := uri.(string); slices.Contains(Vocabulary(), text) {
			delivered = append(delivered, text)
		}
	}
	s.config["events_delivered"] = delivered
}

// shown is a configuration as it is told: without secrets.
func (s *txStream) shown() map[string]any {
	m := maps.Clone(s.config)
	if d, ok := m["delivery"].(map[string]any); ok {
		d = maps.Clone(d)
		delete(d, "authorization_header")
		m["delivery"] = d
	}
	return m
}

// manage is the management API.
func (tx *Transmitter) manage(w http.ResponseWriter, r *http.Request, body []byte) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	var members map[string]any
	if len(body) > 0 && json.Unmarshal(body, &members) != nil {
		tx.answer(w, http.StatusBadRequest, nil)
		return
	}
	id := r.URL.Query().Get("stream_id")
	if given, ok := members["stream_id"].(string); ok {
		id = given
	}
	s := tx.streams[id]
	switch path := r.Method + " " + r.URL.Path; {
	case path == "POST /streams" && tx.OneStream && len(tx.streams) > 0:
		tx.answer(w, http.StatusConflict, nil)
	case path == "POST /streams":
		tx.answer(w, http.StatusCreated, tx.create(members).shown())
	case path == "GET /streams" && id == "":
		list := []any{}
		for _, id := range slices.Sorted(maps.Keys(tx.streams)) {
			list = append(list, tx.streams[id].shown())
		}
		tx.answer(w, http.StatusOK, list)
	case s == nil:
		tx.answer(w, http.StatusNotFound, nil)
	case path == "GET /streams":
		tx.answer(w, http.StatusOK, s.shown())
	case path == "PATCH /streams":
		s.apply(tx, members)
		tx.answer(w, http.StatusOK, s.shown())
	case path == "PUT /streams":
		for _, name := range []string{"events_requested", "description", "delivery"} {
			delete(s.config, name)
		}
		s.apply(tx, members)
		tx.answer(w, http.StatusOK, s.shown())
	case path == "DELETE /streams":
		delete(tx.streams, id)
		tx.answer(w, http.StatusNoContent, nil)
	case path == "GET /status":
		tx.answer(w, http.StatusOK, map[string]any{"stream_id": id, "status": s.status})
	case path == "POST /status":
		s.status, _ = members["status"].(string)
		tx.answer(w, http.StatusOK, map[string]any{"stream_id": id, "status": s.status, "reason": members["reason"]})
	case path == "POST /subjects/add":
		tx.answer(w, http.StatusOK, nil)
	case path == "POST /subjects/remove":
		tx.answer(w, http.StatusNoContent, nil)
	case path == "POST /verify":
		tx.verify(id, members)
		tx.answer(w, http.StatusNoContent, nil)
	default:
		tx.answer(w, http.StatusMethodNotAllowed, nil)
	}
}

// verify puts a verification event into the stream. The caller holds the lock.
func (tx *Transmitter) verify(id string, members map[string]any) {
	if tx.Mute {
		return
	}
	body := map[string]any{}
	if state, ok := members["state"]; ok {
		body["state"] = state
	}
	text, _ := json.Marshal(body)
	tx.next++
	jti := fmt.Sprintf("verification-%d", tx.next)
	if token, err := tx.Sign(jti, "verification", "opaque:"+id, string(text)); err == nil {
		tx.offer(id, jti, token)
	}
}

// poll is the poll endpoint (RFC 8936).
func (tx *Transmitter) poll(ctx context.Context, w http.ResponseWriter, id string, body []byte) {
	p := struct {
		MaxEvents         *int                         `json:"maxEvents"`
		ReturnImmediately bool                         `json:"returnImmediately"`
		Ack               []string                     `json:"ack"`
		SetErrs           map[string]map[string]string `json:"setErrs"`
	}{}
	if json.Unmarshal(body, &p) != nil {
		tx.answer(w, http.StatusBadRequest, nil)
		return
	}
	held := time.After(hold)
	for first := true; ; first = false {
		tx.mu.Lock()
		s := tx.streams[id]
		if s == nil {
			tx.mu.Unlock()
			tx.answer(w, http.StatusNotFound, nil)
			return
		}
		if first {
			s.settle(p.Ack, p.SetErrs)
			tx.changed()
		}
		sets, more := map[string]string{}, false
		for _, q := range s.queue {
			if p.MaxEvents != nil && len(sets) >= *p.MaxEvents {
				more = true
				break
			}
			sets[q.jti] = q.token
		}
		news, waits := tx.news, !p.ReturnImmediately && !tx.ShortPoll
		tx.mu.Unlock()
		if len(sets) > 0 || !waits {
			tx.answer(w, http.StatusOK, map[string]any{"sets": sets, "moreAvailable": more})
			return
		}
		select {
		case <-news:
		case <-held:
			p.ReturnImmediately = true
		case <-ctx.Done():
			return
		}
	}
}

// hold is how long an answer is held back while there is nothing (POLL-08).
const hold = 30 * time.Second

// settle takes out what the receiver is done with. The caller holds the lock.
func (s *txStream) settle(acked []string, refused map[string]map[string]string) {
	for jti, e := range refused {
		s.refused[jti] = e["err"]
	}
	s.acked = append(s.acked, acked...)
	s.queue = slices.DeleteFunc(s.queue, func(q txSet) bool {
		_, bad := refused[q.jti]
		return bad || slices.Contains(acked, q.jti)
	})
}
