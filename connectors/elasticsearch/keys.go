package elasticsearch

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// keyOf makes the key of a value as the cluster writes it in sorts and groups:
// dates as milliseconds, booleans as such or as numbers.
func keyOf(field string, raw json.RawMessage) (query.Key, error) {
	if string(raw) == "null" {
		return query.Key{}, nil
	}
	f, _ := document.Lookup(field)
	text := string(raw)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(raw, &text); err != nil {
			return query.Key{}, fmt.Errorf("elasticsearch: value of %s: %w", field, err)
		}
	}
	switch f.Type {
	case document.Date:
		if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
			return query.TimeKey(time.UnixMilli(ms)), nil
		}
	case document.Boolean:
		switch text {
		case "0":
			text = "false"
		case "1":
			text = "true"
		}
	}
	k, ok := query.KeyOf(f.Type, text)
	if !ok {
		return k, fmt.Errorf("elasticsearch: %.40q is no value of %s", text, field)
	}
	return k, nil
}

// sortValue writes a key the way keyOf reads it.
func sortValue(field string, k query.Key) any {
	if !k.Exists() {
		return nil
	}
	f, _ := document.Lookup(field)
	switch f.Type {
	case document.Date:
		return int64(k.Number())
	case document.Long, document.Float:
		return json.Number(k.Text())
	case document.Boolean:
		return k.Text() == "true"
	}
	return k.Text()
}
