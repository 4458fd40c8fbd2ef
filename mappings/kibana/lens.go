package kibana

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// layer is the only layer of a panel.
const layer = "layer"

// lens draws a panel: bars over time, a table of groups, or one number.
func (p panel) lens() object {
	columns, order := map[string]any{}, []string{}
	var accessors, groups []string
	add := func(id string, column map[string]any) {
		columns[id] = column
		order = append(order, id)
	}
	if p.over {
		add("time", map[string]any{
			"label": "@timestamp", "dataType": "date", "operationType": "date_histogram", "sourceField": "@timestamp",
			"isBucketed": true, "scale": "interval", "params": map[string]any{"interval": "auto", "includeEmptyRows": true, "dropPartials": false},
		})
	}
	for i, field := range p.by {
		id := "by" + strconv.Itoa(i)
		groups = append(groups, id)
		add(id, map[string]any{
			"label": field, "customLabel": true, "dataType": lensType(field), "operationType": "terms", "sourceField": field, "isBucketed": true, "scale": "ordinal",
			"params": map[string]any{
				"size": 20, "orderBy": map[string]any{"type": "column", "columnId": "figure0"}, "orderDirection": "desc",
				"otherBucket": p.over, "missingBucket": false, "parentFormat": map[string]any{"id": "terms"},
			},
		})
	}
	figures := p.figures
	if len(figures) == 0 {
		figures = []figure{{"Documents", "count", "", ""}}
	}
	for i, f := range figures {
		id := "figure" + strconv.Itoa(i)
		accessors = append(accessors, id)
		add(id, f.column())
	}
	kind, shown := "lnsMetric", map[string]any{"layerId": layer, "layerType": "data", "metricAccessor": accessors[0]}
	switch {
	case p.over:
		kind, shown = "lnsXY", map[string]any{
			"preferredSeriesType": "bar_stacked", "valueLabels": "hide", "legend": map[string]any{"isVisible": true, "position": "right"},
			"layers": []any{map[string]any{
				"layerId": layer, "layerType": "data", "seriesType": "bar_stacked", "xAccessor": "time", "splitAccessor": groups[0], "accessors": accessors,
				"position": "top", "showGridlines": false,
			}},
		}
	case len(groups) > 0:
		var cells []any
		for _, id := range order {
			cells = append(cells, map[string]any{"columnId": id})
		}
		kind, shown = "lnsDatatable", map[string]any{"layerId": layer, "layerType": "data", "columns": cells}
	}
	return newObject("lens", "signalbox-"+p.id, map[string]any{
		"title": "[signalbox] " + p.title, "description": "", "visualizationType": kind,
		"state": map[string]any{
			"datasourceStates": map[string]any{"formBased": map[string]any{"layers": map[string]any{layer: map[string]any{
				"columns": columns, "columnOrder": order, "incompleteColumns": map[string]any{},
			}}}},
			"visualization": shown, "query": kql(p.kql), "filters": []any{}, "internalReferences": []any{}, "adHocDataViews": map[string]any{},
		},
	}, reference{"index-pattern", p.view, "indexpattern-datasource-layer-" + layer})
}

func kql(text string) map[string]any { return map[string]any{"language": "kuery", "query": text} }

// column is a figure as Lens has it.
func (f figure) column() map[string]any {
	c := map[string]any{"label": f.label, "customLabel": true, "dataType": "number", "isBucketed": false, "scale": "ratio", "sourceField": f.field}
	switch f.op {
	case "count":
		c["operationType"], c["sourceField"] = "count", "___records___"
		c["params"] = map[string]any{"emptyAsNull": false}
	case "unique":
		c["operationType"] = "unique_count"
		c["params"] = map[string]any{"emptyAsNull": false}
	default:
		n, _ := strconv.Atoi(strings.TrimPrefix(f.op, "p"))
		c["operationType"], c["params"] = "percentile", map[string]any{"percentile": n}
	}
	if f.where != "" {
		c["filter"] = kql(f.where)
	}
	return c
}

func lensType(field string) string {
	f, _ := document.Lookup(field)
	switch f.Type {
	case document.Long, document.Float:
		return "number"
	case document.IP:
		return "ip"
	case document.Boolean:
		return "boolean"
	}
	return "string"
}

// dashboardObjects are the pages with their panels.
func dashboardObjects() (list []object) {
	for _, d := range dashboards {
		var panels []any
		var refs []reference
		x, y, high := 0, 0, 0
		for i, p := range d.panels {
			drawn := p.lens()
			list = append(list, drawn)
			if x+p.width > 48 {
				x, y, high = 0, y+high, 0
			}
			n := strconv.Itoa(i + 1)
			panels = append(panels, map[string]any{
				"version": panelVersion, "type": "lens", "panelIndex": n, "panelRefName": "panel_" + n, "title": p.title,
				"gridData": map[string]any{"x": x, "y": y, "w": p.width, "h": p.height, "i": n}, "embeddableConfig": map[string]any{"enhancements": map[string]any{}},
			})
			refs = append(refs, reference{"lens", drawn.ID, n + ":panel_" + n})
			x, high = x+p.width, max(high, p.height)
		}
		controls := map[string]any{}
		for i, field := range d.controls {
			id := fmt.Sprintf("%s-control-%d", d.id, i)
			controls[id] = map[string]any{
				"order": i, "width": "medium", "grow": true, "type": "optionsListControl",
				"explicitInput": map[string]any{"id": id, "fieldName": field, "title": field, "selectedOptions": []any{}, "enhancements": map[string]any{}},
			}
			refs = append(refs, reference{"index-pattern", d.view, "controlGroup_" + id + ":optionsListDataView"})
		}
		list = append(list, newObject("dashboard", d.id, map[string]any{
			"title": d.title, "description": d.about, "version": 1, "hits": 0,
			"timeRestore": true, "timeFrom": "now-24h", "timeTo": "now", "refreshInterval": map[string]any{"pause": true, "value": 60000},
			"kibanaSavedObjectMeta": map[string]any{"searchSourceJSON": text(map[string]any{"query": kql(""), "filter": []any{}})},
			"optionsJSON":           text(map[string]any{"useMargins": true, "syncColors": false, "syncCursor": true, "syncTooltips": false, "hidePanelTitles": false}),
			"panelsJSON":            text(panels),
			"controlGroupInput": map[string]any{
				"controlStyle": "oneLine", "chainingSystem": "HIERARCHICAL", "panelsJSON": text(controls),
				"ignoreParentSettingsJSON": text(map[string]any{"ignoreFilters": false, "ignoreQuery": false, "ignoreTimerange": false, "ignoreValidations": false}),
			},
		}, refs...))
	}
	return list
}
