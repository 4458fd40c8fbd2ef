package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// counting is what query counts instead of listing documents.
type counting struct {
	count     *bool
	top       *string
	histogram *string
	by        *string
	measure   many
}

// many is a flag that may be given several times.
type many []string

func (m *many) String() string     { return strings.Join(*m, ", ") }
func (m *many) Set(s string) error { *m = append(*m, s); return nil }

func (c *call) countingFlags() *counting {
	n := &counting{
		count:     c.flags.Bool("count", false, "print only how many documents match"),
		top:       c.flags.String("top", "", "print the most frequent values of a `field`; of several, their combinations; and how many, as in user.name,20"),
		histogram: c.flags.String("histogram", "", "print how many documents there are in each `interval` of time, such as 5m, 1h, 1d or 1w"),
		by:        c.flags.String("by", "", "with --histogram: a column for each of the most frequent values of a `field`, and how many, as in event.action,3"),
	}
	c.flags.Var(&n.measure, "measure", "with --top, --histogram or --count: a `metric` besides the count: distinct:FIELD, min:FIELD, max:FIELD, p95:FIELD (or another percentile) or count, each with ' WHERE QUERY' behind it or not; may be given several times")
	return n
}

func (n *counting) asked() bool {
	return *n.count || *n.top != "" || *n.histogram != "" || *n.by != "" || len(n.measure) > 0
}

// plan checks the flags and makes the request of them.
func (n *counting) plan() (req api.AggregateRequest, err error) {
	ways := 0
	for _, on := range []bool{*n.count, *n.top != "", *n.histogram != ""} {
		if on {
			ways++
		}
	}
	switch {
	case ways > 1:
		return req, usagef("give one of --count, --top and --histogram")
	case *n.by != "" && *n.histogram == "":
		return req, usagef("--by needs --histogram; --top %s lists the values", *n.by)
	case ways == 0:
		return req, usagef("--measure needs --top, --histogram or --count")
	}
	a := query.Aggregation{}
	for _, text := range n.measure {
		m, err := query.ParseMetric(text)
		if err != nil {
			return req, placed("--measure: ", err, text)
		}
		a.Metrics = append(a.Metrics, m)
		req.Metrics = append(req.Metrics, m.String())
	}
	if *n.histogram != "" {
		if a.Every, err = query.ParseInterval(*n.histogram); err != nil {
			return req, usagef("--histogram: %v", err)
		}
		req.Every = a.Every.String()
	}
	flagName, spec := "top", *n.top
	if *n.by != "" {
		flagName, spec = "by", *n.by
	}
	if spec != "" {
		a.By = strings.Split(spec, ",")
		a.Size = query.DefaultGroups
		if flagName == "by" {
			a.Size = 5
		}
		if last := len(a.By) - 1; last > 0 {
			if size, err := strconv.Atoi(strings.TrimSpace(a.By[last])); err == nil {
				if a.Size, a.By = size, a.By[:last]; size < 1 {
					return req, usagef("--%s: %d values are too few", flagName, size)
				}
			}
		}
		for i := range a.By {
			a.By[i] = strings.TrimSpace(a.By[i])
		}
	}
	if _, err := a.Normalize(); err != nil {
		return req, usagef("--%s: %v", flagName, err)
	}
	req.By, req.Size = a.By, a.Size
	return req, nil
}

// run counts and prints.
func (n *counting) run(ctx context.Context, c *call, client *api.Client, req api.AggregateRequest, format string) (partial string, err error) {
	answer, err := client.Aggregate(ctx, req)
	if err != nil {
		return "", err
	}
	if format != "table" {
		return answer.Partial, writeGroups(c, format, req, answer)
	}
	switch {
	case req.Every != "":
		total := answer
		if len(req.By) > 0 {
			all := req
			all.By = nil
			if total, err = client.Aggregate(ctx, all); err != nil {
				return "", err
			}
		}
		printHistogram(c, req, total, answer)
	case len(req.By) > 0:
		printTop(c, req, answer)
	case len(req.Metrics) > 0:
		row := []string{strconv.Itoa(answer.Total)}
		row = append(row, figures(req.Metrics, answer.Groups[0].Values)...)
		return answer.Partial, table(c.Out, slices.Concat([]string{"count"}, req.Metrics), [][]string{row})
	default:
		fmt.Fprintln(c.Out, answer.Total)
	}
	return answer.Partial, nil
}

// writeGroups writes one object for each group and interval, its members named
// for what they are.
func writeGroups(c *call, format string, req api.AggregateRequest, answer api.AggregateAnswer) error {
	out := []json.RawMessage{}
	add := func(g api.Group, cell *api.Cell) error {
		count, values := g.Count, g.Values
		row := map[string]any{}
		if cell != nil {
			row["@timestamp"] = cell.Start
			count, values = cell.Count, cell.Values
		}
		for i, name := range req.By {
			row[name] = g.Keys[i]
		}
		row["count"] = count
		for i, m := range req.Metrics {
			if t := metricType(m); t == document.Date && values[i] != nil {
				row[m] = time.UnixMilli(int64(*values[i])).UTC()
				continue
			}
			row[m] = values[i]
		}
		text, err := json.Marshal(row)
		out = append(out, text)
		return err
	}
	for _, g := range answer.Groups {
		if req.Every == "" {
			if err := add(g, nil); err != nil {
				return err
			}
		}
		for i := range g.Cells {
			if err := add(g, &g.Cells[i]); err != nil {
				return err
			}
		}
	}
	return writeDocs(c.Out, format, out)
}

// metricType is the type of a metric's value, "" for a plain number.
func metricType(metric string) document.Type {
	m, err := query.ParseMetric(metric)
	if err != nil || m.Func == "distinct" {
		return ""
	}
	f, _ := document.Lookup(m.Field)
	return f.Type
}

// figures are values of metrics for people.
func figures(metrics []string, values []*float64) []string {
	list := make([]string, len(metrics))
	for i, m := range metrics {
		switch {
		case i >= len(values) || values[i] == nil:
			list[i] = "-"
		case metricType(m) == document.Date:
			list[i] = time.UnixMilli(int64(*values[i])).UTC().Format("2006-01-02 15:04:05.000Z")
		default:
			list[i] = strconv.FormatFloat(*values[i], 'f', -1, 64)
			if whole, fraction, ok := strings.Cut(list[i], "."); ok && len(fraction) > 2 {
				list[i] = whole + "." + fraction[:2]
			}
		}
	}
	return list
}
