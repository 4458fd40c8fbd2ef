package kibana

import (
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/question"
)

// view is a data view.
type view struct{ id, name, title string }

// The data views. The first is that of searches.
var views = []view{
	{"signalbox-all", "signalbox: everything", "logs-ssf.*-*"},
	{"signalbox-signals", "signalbox: signals and alerts", "logs-ssf.set-*,logs-ssf.alert-*"},
	{"signalbox-decisions", "signalbox: decisions", "logs-ssf.decision-*"},
	{"signalbox-actions", "signalbox: actions", "logs-ssf.action-*"},
}

func viewObjects() (list []object) {
	for _, v := range views {
		list = append(list, newObject("index-pattern", v.id, map[string]any{
			"title": v.title, "name": v.name, "timeFieldName": "@timestamp", "allowNoIndex": true,
			"fields": "[]", "fieldAttrs": "{}", "fieldFormatMap": "{}", "runtimeFieldMap": "{}", "sourceFilters": "[]", "typeMeta": "{}",
		}))
	}
	return list
}

// searchColumns are the columns of saved searches.
var searchColumns = []string{"event.dataset", "event.action", "user.name", "message", "policy.result", "action.status", "chain.root"}

const sourceIndex = "kibanaSavedObjectMeta.searchSourceJSON.index"

// searchObjects are the questions as saved searches: the documents each is
// about. What is computed of them is in the description.
func searchObjects() (list []object) {
	for _, q := range question.All() {
		about := q.Ask + " " + q.Doc + " This search lists the documents; in a terminal: " + q.Command()
		if q.EQL != "" {
			about += ". The pairs are found in a timeline by EQL:\n" + q.Example(q.EQL)
		}
		if len(q.Params) > 0 && strings.Contains(q.KQL, "{") {
			about += ". Change the value in the query."
		}
		source := map[string]any{"query": map[string]any{"language": "kuery", "query": q.Example(q.KQL)}, "filter": []any{}, "indexRefName": sourceIndex}
		list = append(list, newObject("search", "signalbox-"+q.Name, map[string]any{
			"title": "[signalbox] " + q.Ask, "description": about, "columns": searchColumns, "sort": [][]string{{"@timestamp", "desc"}},
			"grid": map[string]any{}, "hideChart": false, "isTextBasedQuery": false, "timeRestore": false,
			"kibanaSavedObjectMeta": map[string]any{"searchSourceJSON": text(source)},
		}, reference{"index-pattern", views[0].id, sourceIndex}))
	}
	return list
}
