package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/pipeline/question"
)

// AskRequest asks a question of package question.
type AskRequest struct {
	Name   string
	Values map[string]string // of its parameters
	From   time.Time         // both zero: as far back as the question looks
	To     time.Time
	All    bool // with From and To zero: everything, however far back
	Limit  int
}

// AskAnswer is rows under columns, documents, or a chain.
type AskAnswer struct {
	Columns []question.Column `json:"columns,omitempty"`
	// Rows hold a string, a number or null for each column, as question.Kind
	// says.
	Rows    [][]any           `json:"rows,omitempty"`
	Docs    []json.RawMessage `json:"documents,omitempty"`
	Chain   []*question.Link  `json:"chain,omitempty"` // instead of documents, of a question about a chain
	Found   int               `json:"found"`           // rows or documents there are, given or not
	Partial string            `json:"partial,omitempty"`
}

// parameter begins the names of a question's parameters in the URL.
const parameter = "p."

func (b Backend) ask(r *http.Request) (any, error) {
	if b.Searcher == nil {
		return nil, noIndex()
	}
	name := r.PathValue("name")
	q, ok := question.Lookup(name)
	if !ok {
		return nil, &Error{Message: "there is no question " + strconv.Quote(name), Hint: nearest.Advice(name, Questions(), "questions")}
	}
	p := r.URL.Query()
	req := question.Request{Now: b.Now(), Values: map[string]string{}}
	for key := range p {
		if name, ok := strings.CutPrefix(key, parameter); ok {
			req.Values[name] = p.Get(key)
		}
	}
	if err := readTimes(p, &req.From, &req.To); err != nil {
		return nil, err
	}
	if p.Get("all") == "true" {
		q.Since = 0
	}
	if err := readNumber(p, "limit", &req.Limit); err != nil {
		return nil, err
	}
	a, err := question.Ask(r.Context(), b.Searcher, q, req)
	var bad *question.Error
	if errors.As(err, &bad) {
		return nil, &Error{Message: bad.Problem, Hint: bad.Hint}
	}
	if err != nil {
		return nil, badQuery(err)
	}
	out := AskAnswer{Columns: a.Columns, Rows: a.Rows, Found: a.Found, Partial: a.Partial}
	if q.Chain != "" {
		if out.Chain, err = question.Tree(a.Docs); err != nil {
			return nil, fmt.Errorf("nest the documents of a chain: %w", err)
		}
		return out, nil
	}
	for _, d := range a.Docs {
		out.Docs = append(out.Docs, d.JSON)
	}
	return out, nil
}

// Questions are the names of all questions, in the order of the table.
func Questions() (names []string) {
	for _, q := range question.All() {
		names = append(names, q.Name)
	}
	return names
}

// Ask asks a question.
func (c *Client) Ask(ctx context.Context, q AskRequest) (a AskAnswer, err error) {
	v := url.Values{}
	for name, value := range q.Values {
		set(v, parameter+name, value)
	}
	setTimes(v, q.From, q.To)
	if q.All {
		v.Set("all", "true")
	}
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return a, c.do(ctx, http.MethodGet, "/v1/questions/"+url.PathEscape(q.Name), v, nil, &a)
}
